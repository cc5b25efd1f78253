package tunnel

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// callKey says whose a GRE packet is: the peer's address and the call ID we gave it (RFC 2637 section 4.1). Call IDs of
// two peers may be the same.
type callKey struct {
	peer netip.Addr
	id   uint16
}

// receiver reads one GRE socket for all sessions on it.
type receiver struct {
	conn   gre.Conn
	now    func() time.Time
	strays *atomic.Uint64 // its owner's: packets for no session of ours
	users  int            // of a server: control connections that have it, under the server's lock

	// The reader holds mu while it works on a batch, so what remove takes off has had its last packet when remove returns.
	mu       sync.RWMutex
	sessions map[callKey]*Session // nil: the ID is given to a call that has no session yet

	// A peer may send its first LCP frame before we have read, on the control connection, that the call is up. Until
	// the first session there is, a few packets are kept for it.
	await bool
	early []gre.Packet
}

// maxEarly is how many packets are kept for a session that is not there yet.
const maxEarly = 8

// batch is how many packets one read of a socket or device takes at most.
const batch = 128

func newReceiver(conn gre.Conn, now func() time.Time, strays *atomic.Uint64) *receiver {
	return &receiver{conn: conn, now: now, strays: strays, sessions: make(map[callKey]*Session)}
}

// callID takes a call ID that is free among the calls of one peer, if there is one; remove, or giveUp before there is a
// session, gives it back. They begin anywhere, so that a packet that is still under way for the last call does not meet
// the next.
func (r *receiver) callID(peer netip.Addr) (id uint16, ok bool) {
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	id = binary.BigEndian.Uint16(b[:])
	r.mu.Lock()
	defer r.mu.Unlock()
	for range 1 << 16 {
		if _, taken := r.sessions[callKey{peer, id}]; !taken && id != 0 {
			r.sessions[callKey{peer, id}] = nil
			return id, true
		}
		id++
	}
	return 0, false
}

// giveUp gives back the ID of a call that came to no session.
func (r *receiver) giveUp(peer netip.Addr, id uint16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, callKey{peer, id})
}

// add lets s have its packets, those that came early first.
func (r *receiver) add(s *Session) {
	r.mu.Lock()
	r.sessions[callKey{s.peer, s.callID}] = s
	early := r.early
	r.await, r.early = false, nil
	r.mu.Unlock()
	var w *devWriter
	for _, p := range early {
		if p.Addr != s.peer || callIDOf(p.Data) != s.callID {
			r.strays.Add(1)
			continue
		}
		if w == nil {
			w = newDevWriter()
		}
		s.receive(r.now(), []gre.Packet{p}, w)
	}
}

// callIDOf reads the call ID of a packet that is at least gre.MinHeader long (RFC 2637 section 4.1).
func callIDOf(data []byte) uint16 { return uint16(data[6])<<8 | uint16(data[7]) }

func (r *receiver) remove(s *Session) { r.giveUp(s.peer, s.callID) }

// run reads until the connection is closed.
func (r *receiver) run() error {
	pkts := make([]gre.Packet, batch)
	for i := range pkts {
		pkts[i].Buf = make([]byte, bufferSize)
	}
	owners, run := make([]*Session, batch), make([]gre.Packet, 0, batch)
	var strays []gre.Packet
	w := newDevWriter()
	var rest breather
	for {
		n, err := r.conn.ReadBatch(pkts)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		now := r.now()
		r.mu.RLock()
		strays = r.find(pkts[:n], owners, strays[:0])
		for i, s := range owners[:n] {
			if s != nil {
				run = gather(run[:0], pkts[i:n], owners[i:n])
				s.receive(now, run, w)
			}
		}
		r.mu.RUnlock()
		if len(strays) > 0 {
			r.strayed(now, strays, w)
		}
		if rest.eager(n) {
			nap(rest.pause(now, r.now()))
		}
	}
}

// gather appends the packets of the first one's owner to run, and takes them off owners.
func gather(run, pkts []gre.Packet, owners []*Session) []gre.Packet {
	s := owners[0]
	for i := range pkts {
		if owners[i] == s {
			run = append(run, pkts[i])
			owners[i] = nil
		}
	}
	return run
}

// find sets owners[i] to the session of pkts[i], or nil, and appends the packets of nobody to strays. The caller holds mu.
func (r *receiver) find(pkts []gre.Packet, owners []*Session, strays []gre.Packet) []gre.Packet {
	for i := range pkts {
		if owners[i] = r.owner(&pkts[i]); owners[i] == nil {
			strays = append(strays, pkts[i])
		}
	}
	return strays
}

// owner gives the session of a packet, or nil. The caller holds mu.
func (r *receiver) owner(p *gre.Packet) *Session {
	if len(p.Data) < gre.MinHeader {
		return nil
	}
	return r.sessions[callKey{p.Addr, callIDOf(p.Data)}]
}

// strayed counts packets without a session, and keeps a few while one is about to begin. One may have begun just now.
func (r *receiver) strayed(now time.Time, pkts []gre.Packet, w *devWriter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range pkts {
		switch s := r.owner(&pkts[i]); {
		case s != nil:
			s.receive(now, pkts[i:i+1], w)
		case r.await && len(pkts[i].Data) >= gre.MinHeader && len(r.early) < maxEarly:
			r.early = append(r.early, gre.Packet{Addr: pkts[i].Addr, Data: append([]byte(nil), pkts[i].Data...)})
		default:
			r.strays.Add(1)
		}
	}
}
