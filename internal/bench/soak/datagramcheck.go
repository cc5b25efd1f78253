package soak

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
)

// A datagram of the traffic is a UDP payload: its number, 8 bytes, from 1 on in each
// direction and never twice in a run, and as many bytes of a table as follow from it.
const (
	numberSize  = 8
	minDatagram = numberSize + 4
	maxDatagram = 1372 // a tunnel of 1,400 bytes carries it whole
)

// content is what the datagrams of one direction are filled from.
type content [4096 + maxDatagram]byte

func newContent(seed uint64) *content {
	c := new(content)
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	_, _ = rand.NewChaCha8(key).Read(c[:]) // never fails
	return c
}

// body is what follows number n in its datagram.
func (c *content) body(n uint64) []byte {
	mixed := n * 0x9E3779B97F4A7C15
	from := mixed >> 52
	return c[from:][:minDatagram-numberSize+mixed>>20%(maxDatagram-minDatagram+1)]
}

// fill makes datagram n in buf, which holds maxDatagram bytes.
func (c *content) fill(buf []byte, n uint64) []byte {
	binary.BigEndian.PutUint64(buf, n)
	return buf[:numberSize+copy(buf[numberSize:], c.body(n))]
}

// datagramChecker is the account of the datagrams that come by at one place in one direction.
type datagramChecker struct {
	content *content

	mu     sync.Mutex // guards what follows
	seen   [seenNumbers / 64]uint64
	newest uint64
	datagramCounts
	sample string // the last one that should not have been
}

// datagramCounts counts datagrams.
type datagramCounts struct {
	received   uint64 // all, each time
	duplicated uint64 // that came before
	overtaken  uint64 // that came after a later one
	altered    uint64 // whose content is not that of their number
	tooOld     uint64 // so late that it is not known whether they came before
}

// seenNumbers is how many numbers back it is known which have come.
const seenNumbers = 1 << 16

func newDatagramChecker(c *content) *datagramChecker { return &datagramChecker{content: c} }

func (c *datagramChecker) snapshot() (count datagramCounts, newest uint64, sample string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.datagramCounts, c.newest, c.sample
}

// packet takes an IP packet, and looks at it if it is a whole UDP datagram over IPv4.
func (c *datagramChecker) packet(ip []byte) {
	if len(ip) < 28 || ip[0] != 0x45 || ip[9] != protocolUDP || binary.BigEndian.Uint16(ip[6:])&0x3FFF != 0 {
		return
	}
	c.datagram(ip[28:])
}

// datagram takes a UDP payload.
func (c *datagramChecker) datagram(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received++
	if len(p) < minDatagram {
		c.complain(&c.altered, "%d bytes, too short for a datagram", len(p))
		return
	}
	n := binary.BigEndian.Uint64(p)
	if n == 0 || !bytes.Equal(p[numberSize:], c.content.body(n)) {
		c.complain(&c.altered, "datagram %d has another one's content, %d bytes", n, len(p))
		return
	}
	c.markSeen(n)
}

// markSeen takes a number whose datagram was sound; mu is held.
func (c *datagramChecker) markSeen(n uint64) {
	word, bit := &c.seen[n%seenNumbers/64], uint64(1)<<(n%64)
	switch {
	case n > c.newest:
		if n-c.newest >= seenNumbers {
			clear(c.seen[:])
		} else {
			for k := c.newest + 1; k < n; k++ {
				c.seen[k%seenNumbers/64] &^= 1 << (k % 64)
			}
		}
		*word |= bit
		c.newest = n
	case c.newest-n >= seenNumbers:
		c.complain(&c.tooOld, "datagram %d came when %d had", n, c.newest)
	case *word&bit != 0:
		c.complain(&c.duplicated, "datagram %d came again when %d had come", n, c.newest)
	default:
		*word |= bit
		c.complain(&c.overtaken, "datagram %d came after %d", n, c.newest)
	}
}

func (c *datagramChecker) complain(counter *uint64, format string, values ...any) {
	*counter++
	c.sample = fmt.Sprintf(format, values...)
}
