package tunnel

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

// receiver reads the GRE packets of one address of ours for all sessions on it, in as many shards
// as the connection has readers.
type receiver struct {
	conn   gre.Conn
	shards []*shard // by gre.ReaderOf
	users  int      // of a server: control connections that have it, under the lock of the server's sockets
}

// newReceiver makes a receiver; strays, its owner's, counts packets for no session of ours.
func newReceiver(conn gre.Conn, now func() time.Time, strays *atomic.Uint64) *receiver {
	r := &receiver{conn: conn}
	for _, reader := range gre.Readers(conn) {
		r.shards = append(r.shards, &shard{reader: reader, now: now, strays: strays, sessions: make(map[callKey]*Session)})
	}
	return r
}

// of gives the shard that has the packets with a call ID.
func (r *receiver) of(id uint16) *shard { return r.shards[gre.ReaderOf(id, len(r.shards))] }

// callID takes a call ID that is free among the calls of one peer, if there is one; remove, or
// giveUp before there is a session, gives it back. They begin anywhere, so that a packet that is
// still under way for the last call does not meet the next, and so that every shard has its part of
// the calls.
func (r *receiver) callID(peer netip.Addr) (id uint16, ok bool) {
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

// await has packets kept that come before the first session does, until that is added or endWait is
// called.
func (r *receiver) await() {
	for _, s := range r.shards {
		s.await = true
	}
}

// endWait counts the packets that were kept for a session that does not come.
func (r *receiver) endWait() {
	for _, s := range r.shards {
		s.endWait()
	}
}

// giveUp gives back the ID of a call that came to no session.
func (r *receiver) giveUp(peer netip.Addr, id uint16) { r.of(id).giveUp(callKey{peer, id}) }

// add lets s have its packets, those that came early first.
func (r *receiver) add(s *Session) {
	r.of(s.callID).add(s)
	r.endWait()
}

// remove takes s off, which has had its last packet when remove returns.
func (r *receiver) remove(s *Session) { r.of(s.callID).remove(callKey{s.peer, s.callID}) }

// run reads until the connection is closed, which the first reader that fails does.
func (r *receiver) run() error {
	errs := make(chan error, len(r.shards))
	for _, s := range r.shards[1:] {
		go func() { errs <- r.read(s) }()
	}
	errs <- r.read(r.shards[0])
	var first error
	for range r.shards {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

func (r *receiver) read(s *shard) error {
	err := s.run()
	if err != nil {
		r.conn.Close()
	}
	return err
}
