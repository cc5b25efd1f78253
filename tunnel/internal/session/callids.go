package session

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
)

// callKey says whose a GRE packet is: the peer's address and the call ID we gave it (RFC 2637
// section 4.1). Call IDs of two peers may be the same.
type callKey struct {
	peer netip.Addr
	id   uint16
}

// CallID takes a call ID that is free among the calls of one peer, if there is one; Remove, or
// GiveUp before there is a session, gives it back. They begin anywhere, so that a packet that is
// still under way for the last call does not meet the next, and so that every socket has its part
// of the calls.
func (r *Receiver) CallID(peer netip.Addr) (id uint16, ok bool) {
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	id = binary.BigEndian.Uint16(b[:])
	for range 1 << 16 {
		if id != 0 && r.of(id).take(callKey{peer, id}) {
			return id, true
		}
		id++
	}
	return 0, false
}

// GiveUp gives back the ID of a call that came to no session.
func (r *Receiver) GiveUp(peer netip.Addr, id uint16) { r.of(id).giveBack(callKey{peer, id}) }

// InUse is how many call IDs are taken.
func (r *Receiver) InUse() (n int) {
	for _, s := range r.readers {
		s.mu.Lock()
		n += len(s.sessions)
		s.mu.Unlock()
	}
	return n
}

// take takes a call ID, unless it is taken.
func (h *socketReader) take(k callKey) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, taken := h.sessions[k]; taken {
		return false
	}
	h.sessions[k] = nil
	return true
}

// giveBack gives a call ID back.
func (h *socketReader) giveBack(k callKey) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, k)
}
