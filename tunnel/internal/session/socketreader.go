package session

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// socketReader reads one of the sockets of a receiver, for the sessions whose packets come there.
// Nobody else reads for them, so each has its packets in the order in which they came.
type socketReader struct {
	reader gre.Reader
	now    func() time.Time
	strays *atomic.Uint64 // packets for no session of ours
	sizes  memory.Sizes

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

// remove takes a session off, which has had its last packet when remove returns.
func (h *socketReader) remove(k callKey) {
	h.giveBack(k)
	h.reading.Lock()
	defer h.reading.Unlock()
}

// add lets s have its packets, those that came early first.
func (h *socketReader) add(s *Session) {
	h.mu.Lock()
	h.sessions[callKey{s.peer, s.callID}] = s
	early := h.early
	h.await, h.early = false, nil
	h.mu.Unlock()
	if len(early) == 0 {
		return
	}
	in := newIncoming(h.sizes)
	in.parse(early)
	for i := range in.packets {
		if p := &in.packets[i]; p.peer == s.peer && p.callID == s.callID {
			p.owner = s
		} else {
			h.strays.Add(1)
		}
	}
	in.receive(h.now())
}

// endWait keeps no packets any more for a session that is not there; those that were kept are
// nobody's.
func (h *socketReader) endWait() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.strays.Add(uint64(len(h.early)))
	h.await, h.early = false, nil
}

// run reads until the connection is closed.
func (h *socketReader) run() error {
	pkts := make([]gre.Packet, h.sizes.SocketBatch)
	for i := range pkts {
		pkts[i].Buf = make([]byte, bufferSize)
	}
	in := newIncoming(h.sizes)
	var rest coalescer
	for {
		n, err := h.reader.ReadBatch(pkts)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		now := h.now()
		h.hand(now, pkts[:n], in)
		if rest.eager(n) {
			nap(rest.pause(now, h.now()))
		}
	}
}

// hand hands the packets of one read to their sessions.
func (h *socketReader) hand(now time.Time, pkts []gre.Packet, in *incoming) {
	h.reading.Lock()
	defer h.reading.Unlock()
	in.parse(pkts)
	strays := h.find(in.packets)
	in.receive(now)
	if strays && h.strayed(pkts, in.packets) {
		in.receive(now)
	}
}

// find gives every packet its owner, and reports whether one has none.
func (h *socketReader) find(packets []received) (strays bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range packets {
		p := &packets[i]
		if p.owner = h.owner(p); p.owner == nil {
			strays = true
			p.stray = true
		}
	}
	return strays
}

// owner gives the session of a packet, or nil. The caller holds mu.
func (h *socketReader) owner(p *received) *Session {
	if p.kind == isNobodys {
		return nil
	}
	return h.sessions[callKey{p.peer, p.callID}]
}

// strayed counts packets without a session, and keeps a few while one is about to begin. One may
// have begun just now: strayed reports whether it has given a packet an owner.
func (h *socketReader) strayed(pkts []gre.Packet, packets []received) (owned bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range packets {
		p := &packets[i]
		if !p.stray {
			continue
		}
		p.owner = h.owner(p)
		switch {
		case p.owner != nil:
			owned = true
		case h.await && p.kind != isNobodys && len(h.early) < MaxEarly:
			h.early = append(h.early, gre.Packet{Addr: p.peer, Data: append([]byte(nil), pkts[i].Data...)})
		default:
			h.strays.Add(1)
		}
	}
	return owned
}
