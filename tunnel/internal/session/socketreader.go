package session

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// shard reads one of the sockets of a receiver, for the sessions whose packets come there. Nobody
// else reads for them, so each has its packets in the order in which they came.
type shard struct {
	reader gre.Reader
	now    func() time.Time
	strays *atomic.Uint64 // packets for no session of ours

	// The reader holds reading while it works on a batch, and mu only while it looks for the
	// sessions: calls that begin do not wait for it.
	reading sync.Mutex

	mu       sync.Mutex           // guards what follows
	sessions map[callKey]*Session // nil: the ID is given to a call that has no session yet

	// A peer may send its first LCP frame before we have read, on the control connection, that the
	// call is up. Until the first session there is, a few packets are kept for it.
	await bool
	early []gre.Packet
}

// MaxEarly is how many packets are kept for a session that is not there yet.
const MaxEarly = 8

// batch is how many packets one read of a socket or device takes at most.
const batch = 128

// reserve takes a call ID, unless it is taken.
func (h *shard) reserve(k callKey) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, taken := h.sessions[k]; taken {
		return false
	}
	h.sessions[k] = nil
	return true
}

// giveUp gives a call ID back.
func (h *shard) giveUp(k callKey) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, k)
}

// remove takes a session off, which has had its last packet when remove returns.
func (h *shard) remove(k callKey) {
	h.giveUp(k)
	h.reading.Lock()
	defer h.reading.Unlock()
}

// add lets s have its packets, those that came early first.
func (h *shard) add(s *Session) {
	h.mu.Lock()
	h.sessions[callKey{s.peer, s.callID}] = s
	early := h.early
	h.await, h.early = false, nil
	h.mu.Unlock()
	var w *devWriter
	for _, p := range early {
		if p.Addr != s.peer || callIDOf(p.Data) != s.callID {
			h.strays.Add(1)
			continue
		}
		if w == nil {
			w = newDevWriter()
		}
		s.beginReceiving([]gre.Packet{p}, nil)
		s.endReceiving(h.now(), []gre.Packet{p}, w)
	}
}

// endWait keeps no packets any more for a session that is not there; those that were kept are
// nobody's.
func (h *shard) endWait() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.strays.Add(uint64(len(h.early)))
	h.await, h.early = false, nil
}

// callIDOf reads the call ID of a packet that is at least gre.MinHeader long (RFC 2637 section
// 4.1).
func callIDOf(data []byte) uint16 { return uint16(data[6])<<8 | uint16(data[7]) }

// run reads until the connection is closed.
func (h *shard) run() error {
	pkts := make([]gre.Packet, batch)
	for i := range pkts {
		pkts[i].Buf = make([]byte, bufferSize)
	}
	hand := arrivals{writer: newDevWriter()}
	var strays []gre.Packet
	var rest breather
	for {
		n, err := h.reader.ReadBatch(pkts)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		now := h.now()
		h.reading.Lock()
		h.mu.Lock()
		hand.owners, strays = h.find(pkts[:n], hand.owners[:0], strays[:0])
		h.mu.Unlock()
		hand.receive(now, pkts[:n])
		if len(strays) > 0 {
			h.strayed(now, strays, hand.writer)
		}
		h.reading.Unlock()
		if rest.eager(n) {
			nap(rest.pause(now, h.now()))
		}
	}
}

// find appends the session of every packet, or nil, to owners, and the packets of nobody to strays.
// The caller holds mu.
func (h *shard) find(pkts []gre.Packet, owners []*Session, strays []gre.Packet) ([]*Session, []gre.Packet) {
	for i := range pkts {
		s := h.owner(&pkts[i])
		owners = append(owners, s)
		if s == nil {
			strays = append(strays, pkts[i])
		}
	}
	return owners, strays
}

// owner gives the session of a packet, or nil. The caller holds mu.
func (h *shard) owner(p *gre.Packet) *Session {
	if len(p.Data) < gre.MinHeader {
		return nil
	}
	return h.sessions[callKey{p.Addr, callIDOf(p.Data)}]
}

// strayed counts packets without a session, and keeps a few while one is about to begin. One may
// have begun just now.
func (h *shard) strayed(now time.Time, pkts []gre.Packet, w *devWriter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range pkts {
		switch s := h.owner(&pkts[i]); {
		case s != nil:
			s.beginReceiving(pkts[i:i+1], nil)
			s.endReceiving(now, pkts[i:i+1], w)
		case h.await && len(pkts[i].Data) >= gre.MinHeader && len(h.early) < MaxEarly:
			h.early = append(h.early, gre.Packet{Addr: pkts[i].Addr, Data: append([]byte(nil), pkts[i].Data...)})
		default:
			h.strays.Add(1)
		}
	}
}
