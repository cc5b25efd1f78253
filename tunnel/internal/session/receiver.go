package session

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// callKey says whose a GRE packet is: the peer's address and the call ID we gave it (RFC 2637
// section 4.1). Call IDs of two peers may be the same.
type callKey struct {
	peer netip.Addr
	id   uint16
}

// Receiver reads the GRE packets of one address of ours for all sessions on it, in as many
// socketReaders as the connection has readers.
type Receiver struct {
	conn    gre.Conn
	readers []*socketReader // by gre.ReaderOf
}

// NewReceiver makes a receiver; strays, its owner's, counts packets for no session of ours.
func NewReceiver(conn gre.Conn, now func() time.Time, strays *atomic.Uint64) *Receiver {
	r := &Receiver{conn: conn}
	for _, reader := range gre.Readers(conn) {
		r.readers = append(r.readers, &socketReader{reader: reader, now: now, strays: strays, sessions: make(map[callKey]*Session)})
	}
	return r
}

// of gives the shard that has the packets with a call ID.
func (r *Receiver) of(id uint16) *socketReader { return r.readers[gre.ReaderOf(id, len(r.readers))] }

// Conn is the connection that it reads.
func (r *Receiver) Conn() gre.Conn { return r.conn }

// CallID takes a call ID that is free among the calls of one peer, if there is one; remove, or
// giveUp before there is a session, gives it back. They begin anywhere, so that a packet that is
// still under way for the last call does not meet the next, and so that every shard has its part of
// the calls.
func (r *Receiver) CallID(peer netip.Addr) (id uint16, ok bool) {
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	id = binary.BigEndian.Uint16(b[:])
	for range 1 << 16 {
		if id != 0 && r.of(id).reserve(callKey{peer, id}) {
			return id, true
		}
		id++
	}
	return 0, false
}

// Await has packets kept that come before the first session does, until that is added or endWait is
// called.
func (r *Receiver) Await() {
	for _, s := range r.readers {
		s.await = true
	}
}

// EndWait counts the packets that were kept for a session that does not come.
func (r *Receiver) EndWait() {
	for _, s := range r.readers {
		s.endWait()
	}
}

// GiveUp gives back the ID of a call that came to no session.
func (r *Receiver) GiveUp(peer netip.Addr, id uint16) { r.of(id).giveUp(callKey{peer, id}) }

// InUse is how many call IDs are taken.
func (r *Receiver) InUse() (n int) {
	for _, s := range r.readers {
		s.mu.Lock()
		n += len(s.sessions)
		s.mu.Unlock()
	}
	return n
}

// Add lets s have its packets, those that came early first.
func (r *Receiver) Add(s *Session) {
	r.of(s.callID).add(s)
	r.EndWait()
}

// Remove takes s off, which has had its last packet when remove returns.
func (r *Receiver) Remove(s *Session) { r.of(s.callID).remove(callKey{s.peer, s.callID}) }

// Run reads until the connection is closed, which the first reader that fails does.
func (r *Receiver) Run() error {
	errs := make(chan error, len(r.readers))
	for _, s := range r.readers[1:] {
		go func() { errs <- r.read(s) }()
	}
	errs <- r.read(r.readers[0])
	var first error
	for range r.readers {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

func (r *Receiver) read(s *socketReader) error {
	err := s.run()
	if err != nil {
		r.conn.Close()
	}
	return err
}
