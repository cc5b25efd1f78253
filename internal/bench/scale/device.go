package scale

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/tun"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// The traffic goes in circles: a client sends packets, the server's device sends
// each back, and the client sends the next when one has come back. So nothing is
// ever lost, a slow session slows nobody but itself, and every packet is known.

// payloadAt is where a packet's number is, behind an IPv4 header; 8 bytes.
const (
	payloadAt = ippkt.IPv4Len
	leastSize = payloadAt + 8
)

// header makes the IPv4 header of a packet (RFC 791 section 3.1), checksum
// included.
func header(from, to netip.Addr, size int) (h [payloadAt]byte) {
	const forExperiments = 253 // a protocol (RFC 3692)
	ippkt.IPv4Header{From: from, To: to, Protocol: forExperiments}.Put(h[:], size-payloadAt)
	return h
}

// memoryDevice is what both kinds of device have of a tun.Device.
type memoryDevice struct {
	batch int

	mu     sync.Mutex
	ready  sync.Cond
	closed bool
	// failed is the first packet that was not the one expected.
	failed error
}

func (m *memoryDevice) init(batch int) { m.batch, m.ready.L = batch, &m.mu }

func (m *memoryDevice) File() *os.File           { return nil }
func (m *memoryDevice) MTU() (int, error)        { return 1500, nil }
func (m *memoryDevice) Name() (string, error)    { return "memory", nil }
func (m *memoryDevice) Events() <-chan tun.Event { return nil }
func (m *memoryDevice) BatchSize() int           { return m.batch }

func (m *memoryDevice) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.ready.Broadcast()
	return nil
}

// fail keeps the first complaint; mu is held.
func (m *memoryDevice) fail(format string, values ...any) {
	if m.failed == nil {
		m.failed = fmt.Errorf(format, values...)
	}
}

func (m *memoryDevice) firstFailure() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

// clientDevice is a client's local end: the start and the end of every circle.
type clientDevice struct {
	memoryDevice
	size     int
	header   [payloadAt]byte
	credit   int    // packets that may be sent
	sent     uint64 // their numbers count up from 0
	returned uint64 // packets that have come back, in order
	paused   bool
	gap      time.Duration // between two reads, where the traffic is to leave room for others
}

func newClientDevice(batch, size int) *clientDevice {
	d := &clientDevice{size: size}
	d.init(batch)
	return d
}

// setAddresses takes the addresses of the tunnel.
func (d *clientDevice) setAddresses(local, remote netip.Addr) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.header = header(local, remote, d.size)
	return nil
}

// start lets window packets run in circles.
func (d *clientDevice) start(window int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.credit, d.paused = window, false
	d.ready.Broadcast()
}

// pause lets the circles run out.
func (d *clientDevice) pause() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.paused, d.credit = true, 0
}

// returnedAndAway says how many packets have come back, and how many are under way.
func (d *clientDevice) returnedAndAway() (back, away uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.returned, d.sent - d.returned
}

func (d *clientDevice) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	if d.gap > 0 {
		time.Sleep(d.gap)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.credit == 0 && !d.closed {
		d.ready.Wait()
	}
	if d.closed {
		return 0, os.ErrClosed
	}
	n := min(d.credit, len(bufs))
	for i := range n {
		p := bufs[i][offset:][:d.size]
		copy(p, d.header[:])
		binary.BigEndian.PutUint64(p[payloadAt:], d.sent)
		d.sent++
		sizes[i] = d.size
	}
	d.credit -= n
	return n, nil
}

func (d *clientDevice) Write(bufs [][]byte, offset int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range bufs {
		p := b[offset:]
		if len(p) != d.size || binary.BigEndian.Uint64(p[payloadAt:]) != d.returned {
			d.fail("client %v: a packet of %d bytes came where number %d was next", netip.AddrFrom4([4]byte(d.header[12:])), len(p), d.returned)
		}
		d.returned++
	}
	if !d.paused {
		d.credit += len(bufs)
		d.ready.Signal()
	}
	return len(bufs), nil
}

// serverDevice is the server's local end, where every circle turns.
type serverDevice struct {
	memoryDevice
	receiveCount
	size    int
	first   uint32 // the address of session 0 in the tunnel
	heads   [][payloadAt]byte
	next    []uint64 // the number that each session's next packet has
	packets []echoed
	ring    uint32 // of packets: where the next one to leave is
	waiting int
	others  bool   // packets of others than the sessions come too
	foreign uint64 // those
}

// echoed is a packet on its way back.
type echoed struct {
	session uint32
	number  uint64
}

// newServerDevice turns packets of sessions whose addresses count up from first.
// At most room packets are ever under way; it is a power of two.
func newServerDevice(server, first netip.Addr, sessions, size, room int) *serverDevice {
	d := &serverDevice{
		size: size, first: number(first), heads: make([][payloadAt]byte, sessions), next: make([]uint64, sessions),
		packets: make([]echoed, room),
	}
	d.init(128)
	a := first
	for i := range d.heads {
		d.heads[i] = header(server, a, size)
		a = a.Next()
	}
	return d
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func (d *serverDevice) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.waiting == 0 && !d.closed {
		d.ready.Wait()
	}
	if d.closed {
		return 0, os.ErrClosed
	}
	n := min(d.waiting, len(bufs))
	for i := range n {
		t := d.packets[d.ring&uint32(len(d.packets)-1)]
		d.ring++
		p := bufs[i][offset:][:d.size]
		copy(p, d.heads[t.session][:])
		binary.BigEndian.PutUint64(p[payloadAt:], t.number)
		sizes[i] = d.size
	}
	d.waiting -= n
	return n, nil
}

func (d *serverDevice) Write(bufs [][]byte, offset int) (int, error) {
	if d.discard {
		d.count(bufs, offset)
		return len(bufs), nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range bufs {
		p := b[offset:]
		session := binary.BigEndian.Uint32(p[12:]) - d.first
		switch {
		case d.others && session >= uint32(len(d.next)):
			d.foreign++
			continue
		case len(p) != d.size || session >= uint32(len(d.next)):
			d.fail("server: a packet of %d bytes from %v", len(p), netip.AddrFrom4([4]byte(p[12:])))
			continue
		case binary.BigEndian.Uint64(p[payloadAt:]) != d.next[session]:
			d.fail("server: number %d of session %d came where %d was next", binary.BigEndian.Uint64(p[payloadAt:]), session, d.next[session])
		case d.waiting == len(d.packets):
			d.fail("server: more than %d packets are under way", d.waiting)
			continue
		}
		d.packets[(d.ring+uint32(d.waiting))&uint32(len(d.packets)-1)] = echoed{session, d.next[session]}
		d.next[session]++
		d.waiting++
	}
	d.ready.Signal()
	return len(bufs), nil
}
