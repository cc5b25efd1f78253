package soak

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/arc4tun/arc4tun/internal/serial"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// greTap counts what passes the GRE sockets of one end, one after another.
type greTap struct {
	written writtenCounters // handed over by the tunnel
	read    atomic.Uint64

	mu    sync.Mutex
	conns []*tappedConn // those that are open, and those that were since retire
	past  gre.Stats     // of the others

	// The end of the sequence numbers (32 bits) and that of the coherency counts
	// (12 bits) were passed so often.
	sequenceWraps, coherencyWraps atomic.Uint64
}

// writtenCounters counts GRE packets by what they carry.
type writtenCounters struct {
	data, control, acks atomic.Uint64
	closed              atomic.Uint64 // of them all, those that came after the socket was closed
}

// wrap wraps a new socket.
func (s *greTap) wrap(c gre.Conn) gre.Conn {
	t := &tappedConn{Conn: c, tap: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, t)
	return t
}

// stats sums those of all sockets there have been. One that is closed may still count what was
// being written then.
func (s *greTap) stats() (sum gre.Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum = s.past
	for _, c := range s.conns {
		sum = addStats(sum, c.Conn.Stats())
	}
	return sum
}

// retire forgets sockets that are closed, once nobody uses them any more.
func (s *greTap) retire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var open []*tappedConn
	for _, c := range s.conns {
		if c.closed.Load() {
			s.past = addStats(s.past, c.Conn.Stats())
		} else {
			open = append(open, c)
		}
	}
	s.conns = open
}

// closeAll closes every open socket, as the end of a process does.
func (s *greTap) closeAll() {
	s.mu.Lock()
	conns := append([]*tappedConn(nil), s.conns...)
	s.mu.Unlock()
	for _, c := range conns {
		if !c.closed.Load() {
			_ = c.Close()
		}
	}
}

func addStats(a, b gre.Stats) gre.Stats {
	return gre.Stats{
		Received: a.Received + b.Received, Malformed: a.Malformed + b.Malformed, Truncated: a.Truncated + b.Truncated,
		Foreign: a.Foreign + b.Foreign, Overflowed: a.Overflowed + b.Overflowed, Sent: a.Sent + b.Sent,
		OtherErrors: a.OtherErrors + b.SendErrors(),
	}
}

// tappedConn is a GRE socket whose packets are counted.
type tappedConn struct {
	gre.Conn
	tap    *greTap
	closed atomic.Bool

	mu        sync.Mutex // guards what follows
	lastSeq   uint32     // sequence number written
	lastCount uint16     // coherency count written
	begun     bool
}

func (c *tappedConn) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

func (c *tappedConn) ReadBatch(pkts []gre.Packet) (int, error) {
	n, err := c.Conn.ReadBatch(pkts)
	c.tap.read.Add(uint64(n))
	return n, err
}

func (c *tappedConn) WriteBatch(pkts []gre.Packet) (int, error) {
	for i := range pkts {
		c.countWritten(pkts[i].Data)
	}
	n, err := c.Conn.WriteBatch(pkts)
	if err != nil {
		c.tap.written.closed.Add(uint64(len(pkts) - n))
	}
	return n, err
}

// countWritten counts one packet that is written.
func (c *tappedConn) countWritten(data []byte) {
	w := &c.tap.written
	h, payload, err := gre.Parse(data)
	if err != nil || !h.HasSeq {
		w.acks.Add(1)
		return
	}
	protocol, body, err := ppp.ParseFrame(payload)
	sealed := err == nil && protocol == ppp.ProtoCompressed && len(body) > 2
	if sealed {
		w.data.Add(1)
	} else {
		w.control.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.begun && h.Seq < c.lastSeq && serial.Diff(h.Seq, c.lastSeq) > 0 {
		c.tap.sequenceWraps.Add(1)
	}
	c.lastSeq, c.begun = h.Seq, true
	if sealed {
		count := binary.BigEndian.Uint16(body) & 0x0FFF
		if count == 0 && c.lastCount != 0 {
			c.tap.coherencyWraps.Add(1)
		}
		c.lastCount = count
	}
}
