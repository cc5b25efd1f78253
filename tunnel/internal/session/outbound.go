package session

import (
	"encoding/binary"
	"sync"

	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// The way of a packet out, all of it on the goroutine that reads the local device:
//
//  1. deviceReader takes a batch of IP packets from the device, each at headroom in its buffer (devreader.go).
//  2. The owner, Client or Server, says whose they are; those of one session make a run (dispatch.go).
//  3. accept puts the PPP protocol before each packet, and lowers the MSS of a TCP SYN. What is too long is fragmented, or
//     answered (oversize.go).
//  4. The runs of all sessions are encrypted together, in place: MPPE header and ciphertext (mppe.SendBatch).
//  5. seal puts the PPP and GRE headers before that; the first of a run carries the pending acknowledgment.
//  6. The run leaves in one Send.
//
// Control frames (LCP, authentication, CCP, IPCP) come from the session's own goroutine through
// sendFrame and take their sequence numbers under the same lock.

// outbound is one session's state towards its peer.
type outbound struct {
	mu      sync.Mutex
	to      gre.Sender
	seq     *gre.Sequencer
	enc     *mppe.Encrypter
	up      bool // IP packets may leave
	ipv4    bool // by IPCP, which is open
	ipv6    bool // the same by IPV6CP
	bare    bool // the peer takes frames without FF 03 (ACFC)
	mustEnc bool // no IP packet may leave in clear
	mtu     int  // the largest IP packet, in bytes

	// One run's working memory: packet buffers, PPP protocol + packet, where its sealed form
	// begins, what is sent.
	bufs   [][]byte
	plain  [][]byte
	sealed [][]byte
	pkts   [][]byte
	frame  [bufferSize]byte // for control frames
	stats  outStats

	borrowed     []*buffer // the run's fragments are in
	answers      answerBudget
	answered     bool     // in this run, last of
	answeredFlow [36]byte //
}

// outStats counts what left, and what did not.
type outStats struct {
	Packets, Bytes uint64 // IP packets and their bytes
	Frames         uint64 // PPP control frames
	Acks           uint64 // GRE packets that carried only an acknowledgment
	NotUp          uint64 // IP packets dropped because the link was not open for them
	Fragmented     uint64 // IP packets over the MTU that left in fragments
	Fragments      uint64 // the fragments, which count as packets too
	Answered       uint64 // IP packets over the MTU that were answered with ICMP
	TooLong        uint64 // IP packets over the MTU that were dropped without an answer, and control frames
	NotIP          uint64 // neither IPv4 nor IPv6, or the one that was not negotiated
}

// beginSending takes a run of IP packets, bufs[i][headroom:headroom+sizes[i]], for the peer and
// adds those that are to be encrypted to batch. If it returns true there is something to send: once
// batch is encrypted, endSending does, and until then the session sends nothing else. The buffers
// are overwritten, and the caller's again after that.
func (s *Session) beginSending(bufs [][]byte, sizes []int, batch *mppe.SendBatch) bool {
	o := &s.out
	o.mu.Lock()
	if !o.up || (o.mustEnc && o.enc == nil) {
		o.stats.NotUp += uint64(len(bufs))
		o.mu.Unlock()
		return false
	}
	o.bufs, o.plain, o.sealed, o.pkts = o.bufs[:0], o.plain[:0], o.sealed[:0], o.pkts[:0]
	o.answered = false
	for i, b := range bufs {
		s.accept(b, sizes[i])
	}
	if len(o.bufs) == 0 {
		o.mu.Unlock()
		return false
	}
	if o.enc != nil {
		batch.Add(o.enc, o.sealed, o.plain)
	}
	return true
}

// endSending sends what beginSending has begun.
func (s *Session) endSending() {
	o := &s.out
	defer o.mu.Unlock()
	for i := range o.bufs {
		o.seal(s, i)
	}
	// A failed write is a lost packet, counted by the connection.
	_, _ = o.to.Send(o.pkts)
	for _, b := range o.borrowed {
		putBuffer(b[:])
	}
	clear(o.borrowed)
	o.borrowed = o.borrowed[:0]
}

// accept checks one IP packet and places it.
func (s *Session) accept(b []byte, size int) {
	o := &s.out
	ip := b[headroom : headroom+size]
	protocol := ppp.ProtoIPv4
	switch {
	case size >= 20 && ip[0]>>4 == 4 && o.ipv4:
	case size >= 40 && ip[0]>>4 == 6 && o.ipv6:
		protocol = ppp.ProtoIPv6
	default:
		o.stats.NotIP++
		return
	}
	if size > o.mtu {
		s.tooLong(ip, uint16(protocol))
		return
	}
	netdev.ClampMSS(ip, o.mtu)
	o.place(b, size, uint16(protocol))
}

// place sets up the places of one IP packet: plain is the PPP protocol and the packet, sealed the
// empty slice two bytes before it, where the MPPE header and the ciphertext are to be written.
func (o *outbound) place(b []byte, size int, protocol uint16) {
	binary.BigEndian.PutUint16(b[headroom-2:], protocol)
	o.bufs = append(o.bufs, b)
	o.plain = append(o.plain, b[headroom-2:headroom+size])
	o.sealed = append(o.sealed, b[headroom-4:headroom-4])
	o.stats.Packets++
	o.stats.Bytes += uint64(size)
}

// seal completes packet i of the run with its PPP and GRE headers, written backwards from where its
// payload begins.
func (o *outbound) seal(s *Session, i int) {
	b := o.bufs[i]
	at, end := headroom-2, headroom-2+len(o.plain[i])
	if o.enc != nil {
		at -= 4
		binary.BigEndian.PutUint16(b[at:], ppp.ProtoCompressed)
	}
	if !o.bare {
		at -= 2
		b[at], b[at+1] = 0xFF, 0x03
	}
	h := gre.Header{CallID: s.peerCallID, PayloadLen: uint16(end - at), HasSeq: true, Seq: o.seq.Next()}
	if i == 0 {
		h.Ack, h.HasAck = s.piggyback()
	}
	at -= h.Len()
	h.Put(b[at:])
	o.pkts = append(o.pkts, b[at:end])
}

// sendFrame sends one PPP control frame, complete from its address or protocol field on.
func (s *Session) sendFrame(frame []byte) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(frame) > bufferSize-gre.MaxHeader {
		o.stats.TooLong++
		return
	}
	h := gre.Header{CallID: s.peerCallID, PayloadLen: uint16(len(frame)), HasSeq: true, Seq: o.seq.Next()}
	h.Ack, h.HasAck = s.piggyback()
	n := h.Put(o.frame[:])
	n += copy(o.frame[n:], frame)
	o.stats.Frames++
	o.pkts = append(o.pkts[:0], o.frame[:n])
	s.traceFrame(true, frame)
	_, _ = o.to.Send(o.pkts)
}

// sendAck sends an acknowledgment alone; it takes no sequence number (RFC 2637 section 4.1).
func (s *Session) sendAck(ack uint32) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	n := gre.AckOnly(s.peerCallID, ack).Put(o.frame[:])
	o.stats.Acks++
	o.pkts = append(o.pkts[:0], o.frame[:n])
	_, _ = o.to.Send(o.pkts)
}

// piggyback gives the acknowledgment that is due to ride on the next packet, if any.
func (s *Session) piggyback() (ack uint32, ok bool) {
	s.ackMu.Lock()
	defer s.ackMu.Unlock()
	return s.acker.Piggyback()
}
