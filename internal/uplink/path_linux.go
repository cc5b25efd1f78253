package uplink

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"sync/atomic"
	"syscall"
)

// Path is the way of one session's packets to its peer. Send, Slow and Sentinel are the sender's,
// one goroutine at a time; the others may be called from anywhere.
type Path struct {
	u    *Uplink
	peer netip.Addr

	cur     atomic.Pointer[route] // nil: the raw socket
	ack     atomic.Uint64         // the peer's latest acknowledgment, and numbered
	tooLong atomic.Int32          // bytes of a packet that did not fit the link
	refused atomic.Uint32         // what the raw socket said of a packet, a syscall.Errno
	probe   atomic.Bool           // one packet is to go by the raw socket
	ours    atomic.Uint64         // of the last packet with an acknowledgment from us: that, the call ID, and known
	lost    atomic.Uint64         // packets that a full link did not take
	past    atomic.Uint64         // packets that earlier routes sent
	falls   atomic.Uint64         // times it went back to the raw socket

	// The follower's, under its lock.
	up       bool // a fast way may be tried
	delivery delivery
	counted  uint64 // what cur had sent at the last look
	ban      string // why there is no fast way for a long time
	banned   backoff
	hold     backoff
	held     string     // why hold was set
	why      string     // what status says
	link     int        // what the last decision rests on
	nextHop  netip.Addr // the same
	dirty    bool
}

// known marks a call ID and acknowledgment that are there.
const known = 1 << 48

// The parts of an enhanced GRE header (RFC 2637 section 4.1) that matter here.
const (
	sequenceBit    = 0x10 // of byte 0
	acknowledgeBit = 0x80 // of byte 1
	sequenceAt     = 8
	minNumbered    = 12
)

// numberedPacket reports whether a GRE packet has a sequence number. Only such packets go a fast
// way: what comes without one may overtake others, so it can keep the kernel in the picture.
func numberedPacket(p []byte) bool { return len(p) >= minNumbered && p[0]&sequenceBit != 0 }

// Send sends a run of GRE packets, as many from the front as may go a fast way, and returns how
// many the link took, and how many of those after them are lost because it was full. What is left,
// if anything, is for Slow to judge.
func (p *Path) Send(packets [][]byte) (sent, lost int) {
	r := p.cur.Load()
	if r == nil {
		return 0, 0
	}
	n := p.fitting(r, packets)
	if n == 0 {
		return 0, 0
	}
	p.remember(packets[0])
	// Before they are sent: the peer may be quicker with its acknowledgment than this goroutine.
	if r.first.Load() == 0 {
		r.first.Store(numbered | uint64(binary.BigEndian.Uint32(packets[0][sequenceAt:])))
	}
	r.reach.Store(numbered | uint64(binary.BigEndian.Uint32(packets[n-1][sequenceAt:])))
	sent, err := r.tx.send(r, packets[:n])
	if sent > 0 {
		r.last.Store(numbered | uint64(binary.BigEndian.Uint32(packets[sent-1][sequenceAt:])))
		r.sent.Add(uint64(sent))
	}
	switch {
	case err == nil:
	case errors.Is(err, errFull):
		lost = n - sent
		p.lost.Add(uint64(lost))
	default:
		// The rest goes by the raw socket, and so does all that follows until the follower has seen
		// to it.
		p.leave(r)
		p.u.failed(r, err)
	}
	return sent, lost
}

// fitting is how many packets from the front may go by r.
func (p *Path) fitting(r *route, packets [][]byte) int {
	for i, b := range packets {
		if !numberedPacket(b) {
			return i
		}
		if ipv4Len+len(b) > r.mtu {
			// The kernel fragments it. Two ways for numbered packets would have them overtake each
			// other.
			p.tooLong.Store(int32(ipv4Len + len(b)))
			p.leave(r)
			p.u.see(p)
			return i
		}
	}
	return len(packets)
}

// leave goes back to the raw socket, if r is still what the path sends by.
func (p *Path) leave(r *route) {
	if r != nil && p.cur.CompareAndSwap(r, nil) {
		p.past.Add(r.sent.Load())
		p.falls.Add(1)
	}
}

// Slow is how many packets from the front are for the raw socket, one at least.
func (p *Path) Slow(packets [][]byte) int {
	n := p.unnumbered(packets)
	for _, b := range packets[:n] {
		p.remember(b)
	}
	return n
}

func (p *Path) unnumbered(packets [][]byte) int {
	if p.cur.Load() == nil {
		return len(packets)
	}
	for i, b := range packets {
		if i > 0 && numberedPacket(b) {
			return i
		}
	}
	return len(packets)
}

// remember keeps the acknowledgment that a packet carries, for Sentinel. It lies behind the
// sequence number, if there is one.
func (p *Path) remember(b []byte) {
	if len(b) < minNumbered || b[1]&acknowledgeBit == 0 {
		return
	}
	at := sequenceAt
	if b[0]&sequenceBit != 0 {
		at += 4
	}
	if len(b) >= at+4 {
		p.ours.Store(known | uint64(binary.BigEndian.Uint16(b[6:]))<<32 | uint64(binary.BigEndian.Uint32(b[at:])))
	}
}

// Sentinel reports whether, after a second of packets past the kernel, one is to go by the raw
// socket: an acknowledgment that was sent before, which says nothing new to the peer. Where there
// was none yet, none is due: a packet with a sequence number would be acknowledged, and that would
// be taken for proof that those around it arrive.
func (p *Path) Sentinel() (due bool, callID uint16, ack uint32) {
	v := p.ours.Load()
	if v == 0 || !p.probe.Load() || !p.probe.CompareAndSwap(true, false) {
		return false, 0, 0
	}
	return true, uint16(v >> 32), uint32(v)
}

// WentRaw notes what the raw socket said of a packet: 0 or an error. One that may not be sent that
// way may not be sent another way either.
func (p *Path) WentRaw(errno syscall.Errno) {
	if p.probe.Load() {
		p.probe.Store(false)
	}
	if errno != syscall.EPERM && errno != syscall.EACCES {
		return
	}
	p.refused.Store(uint32(errno))
	if r := p.cur.Load(); r != nil {
		p.leave(r)
		p.u.see(p)
	}
}

// Established says that the peer has proven who it is: a fast way may be tried.
func (p *Path) Established() {
	p.u.mu.Lock()
	p.up = true
	p.u.mu.Unlock()
	p.u.see(p)
}

// Acknowledged notes the number in a GRE packet that has the peer's address, whoever sent it: while
// a fast way is in use, only a number that went by it, and no lower one than before.
func (p *Path) Acknowledged(ack uint32) {
	if r := p.cur.Load(); r != nil {
		if !r.believes(ack) {
			return
		}
		r.acked.Store(numbered | uint64(ack))
	}
	first := p.ack.Load() == 0
	p.ack.Store(numbered | uint64(ack))
	if first {
		p.u.see(p)
	}
}

// Status says how packets go now, and why.
func (p *Path) Status() Status {
	p.u.mu.Lock()
	defer p.u.mu.Unlock()
	s := Status{Way: Raw.String(), Why: p.why, Fast: p.past.Load(), Lost: p.lost.Load(), Falls: p.falls.Load()}
	if p.u.off != "" {
		s.Why = p.u.off
	}
	if r := p.cur.Load(); r != nil {
		s.Fast += r.sent.Load()
		if l := p.u.links[r.link]; l != nil && l.tx == r.tx {
			s.Way = l.way.String()
		}
	}
	return s
}

// Close gives the path back. What is sent afterwards goes by the raw socket.
func (p *Path) Close() {
	p.u.mu.Lock()
	defer p.u.mu.Unlock()
	p.end()
	delete(p.u.paths, p)
}

// end goes back to the raw socket because the way is no longer wanted, and keeps the count of what
// went by it.
func (p *Path) end() {
	if r := p.cur.Swap(nil); r != nil {
		p.past.Add(r.sent.Load())
	}
}
