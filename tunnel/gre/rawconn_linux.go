package gre

import (
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/uplink"
)

// rawConn is a Conn over a raw socket.
type rawConn struct {
	life  sync.RWMutex // held for reading while fd is in use
	over  bool         // guarded by life
	fd    int
	local netip.Addr
	peer  netip.Addr // invalid: anyone
	part  share
	count counters
	// others receive the other shares, and do nothing else.
	others []*rawConn

	readMu sync.Mutex // guards reader
	reader batchReader

	up   *uplink.Uplink // nil: only the raw socket sends, because of noUp
	noUp string

	letGo func() // nil: nobody leads what is sent

	freeMu   sync.Mutex // guards free
	free     []*batchWriter
	closing  sync.Once
	closeErr error
}

func (c *rawConn) LocalAddr() netip.Addr { return c.local }

func (c *rawConn) Close() error {
	c.closing.Do(func() {
		if c.letGo != nil {
			c.letGo()
		}
		for _, other := range c.others {
			_ = other.Close()
		}
		c.count.overflowed.Store(c.drops())
		if c.up != nil {
			c.up.Close()
		}
		// Who waits in the socket is woken, and every other call fails. That it is not connected
		// does not matter.
		_ = unix.Shutdown(c.fd, unix.SHUT_RDWR)
		c.life.Lock()
		defer c.life.Unlock()
		c.over = true
		c.closeErr = unix.Close(c.fd)
	})
	return c.closeErr
}

func (c *rawConn) Stats() Stats {
	s := c.count.snapshot()
	if n := c.drops(); n > s.Overflowed {
		s.Overflowed = n
	}
	for _, other := range c.others {
		s.addReceived(other.Stats())
	}
	return s
}

// Readers gives the sockets.
func (c *rawConn) Readers() []Reader {
	all := []Reader{c}
	for _, other := range c.others {
		all = append(all, other)
	}
	return all
}

func (c *rawConn) ReadBatch(pkts []Packet) (int, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	for len(pkts) > 0 {
		got, err := c.reader.read(pkts)
		if err != nil {
			return 0, err
		}
		if n := c.keepSound(pkts, got); n > 0 {
			return n, nil
		}
	}
	return 0, nil
}

// keepSound strips the IP headers of the first got packets and moves those that are sound to the
// front.
func (c *rawConn) keepSound(pkts []Packet, got int) int {
	n, size := 0, 0
	for i := range pkts[:got] {
		p := &pkts[i]
		length, truncated := c.reader.received(i)
		if truncated {
			c.count.truncated.Add(1)
			continue
		}
		src, data, ok := stripIPv4(p.Buf[:length])
		if !ok {
			c.count.malformed.Add(1)
			continue
		}
		// Packets that came before the filter was attached are still in the queue.
		if c.peer.IsValid() && src != c.peer {
			c.count.foreign.Add(1)
			continue
		}
		p.Addr, p.Data = src, data
		size += len(data)
		pkts[n], pkts[i] = pkts[i], pkts[n]
		n++
	}
	c.count.received.Add(uint64(n))
	c.count.receivedBytes.Add(uint64(size))
	return n
}

func (c *rawConn) WriteBatch(pkts []Packet) (int, error) {
	w := c.takeWriter()
	defer c.giveWriter(w)
	sent := 0
	for len(pkts) > 0 {
		chunk := pkts[:min(len(pkts), maxBatch)]
		pkts = pkts[len(chunk):]
		n, err := w.write(chunk)
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// takeWriter hands out message arrays from a free list, so that goroutines send side by side and
// none allocates once as many arrays exist as goroutines send.
func (c *rawConn) takeWriter() *batchWriter {
	c.freeMu.Lock()
	defer c.freeMu.Unlock()
	if n := len(c.free); n > 0 {
		w := c.free[n-1]
		c.free = c.free[:n-1]
		return w
	}
	return newBatchWriter(c)
}

func (c *rawConn) giveWriter(w *batchWriter) {
	c.freeMu.Lock()
	defer c.freeMu.Unlock()
	c.free = append(c.free, w)
}
