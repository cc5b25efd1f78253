package session

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// The way of a packet out, all of it on the goroutine that reads the local device:
//
//  1. A DeviceReader takes a batch of IP packets from the device, each at headroom in its buffer
//     (devicereader.go, gather.go).
//  2. The owner, Client or Server, says whose they are; those of one session make a run
//     (outgoing.go).
//  3. sendRuns has every run accepted: what is too long is fragmented, or answered (oversize.go),
//     the MSS of a TCP SYN is lowered, and the PPP protocol is put before each packet.
//  4. The runs of all sessions are encrypted together, in place: MPPE header and ciphertext
//     (mppe.SendBatch).
//  5. seal puts the PPP and GRE headers before that; the first of a run carries the pending
//     acknowledgment. The run leaves in one Send.
//
// Control frames (LCP, authentication, CCP, IPCP) come from the session's own goroutine through
// sendFrame and take their sequence numbers under the same lock.

// outbound is one session's way out. Its packets come from the device's reader, everything else
// from the session's own goroutine; mu guards what both touch.
type outbound struct {
	// Made once.
	callID  uint16 // the peer's
	acks    *acknowledgments
	trace   tracer
	now     func() time.Time
	replies chan []byte // ICMP messages for the device, each at headroom of a packet buffer
	poke    func()      // something is in replies

	mu    sync.Mutex
	to    gre.Sender
	seq   *gre.Sequencer
	stats outStats

	enc     *mppe.Encrypter
	mustEnc bool // no IP packet may leave in clear

	up         bool // IP packets may leave
	ipv4, ipv6 bool // by IPCP and IPV6CP, which are open
	bare       bool // the peer takes frames without FF 03 (ACFC)
	mtu        int  // the largest IP packet, in bytes

	// One run's working memory: packet buffers, PPP protocol and packet, where its sealed form
	// begins, what is sent, the buffers that its fragments are in.
	bufs, plain, sealed, pkts [][]byte
	borrowed                  []*buffer
	frame                     [bufferSize]byte // for control frames

	answers  answerBudget
	answered answeredFlow // the last of the run
}

// sendRuns sends the IP packets of one read of a device, session by session. The buffers are
// overwritten, and the caller's again when it returns.
func sendRuns(runs []outgoingRun, batch *mppe.SendBatch) {
	for i := range runs {
		o := &runs[i].session.out
		o.mu.Lock()
		o.accept(runs[i].bufs, runs[i].sizes, batch)
	}
	batch.Encrypt()
	for i := range runs {
		o := &runs[i].session.out
		o.send()
		o.mu.Unlock()
	}
}

// accept takes a run of IP packets, bufs[i][headroom:headroom+sizes[i]], and adds those that are to
// be encrypted to the batch.
func (o *outbound) accept(bufs [][]byte, sizes []int, batch *mppe.SendBatch) {
	o.bufs, o.plain, o.sealed, o.pkts = o.bufs[:0], o.plain[:0], o.sealed[:0], o.pkts[:0]
	if !o.up || (o.mustEnc && o.enc == nil) {
		o.stats.NotUp += uint64(len(bufs))
		return
	}
	o.answered.known = false
	for i, b := range bufs {
		o.one(b, sizes[i])
	}
	if o.enc != nil && len(o.bufs) > 0 {
		batch.Add(o.enc, o.sealed, o.plain)
	}
}

// send sends the run that was accepted, once the batch is encrypted.
func (o *outbound) send() {
	if len(o.bufs) == 0 {
		return
	}
	for i := range o.bufs {
		o.seal(i)
	}
	// A failed write is a lost packet, counted by the connection.
	_, _ = o.to.Send(o.pkts)
	for _, b := range o.borrowed {
		putBuffer(b[:])
	}
	clear(o.borrowed)
	o.borrowed = o.borrowed[:0]
}

// one checks one IP packet and places it.
func (o *outbound) one(b []byte, size int) {
	ip := b[headroom : headroom+size]
	protocol := uint16(ppp.ProtoIPv4)
	switch v := ippkt.Version(ip); {
	case v == 4 && o.ipv4:
	case v == 6 && o.ipv6:
		protocol = ppp.ProtoIPv6
	default:
		o.stats.NotIP++
		return
	}
	if size > o.mtu {
		o.tooLong(ip, protocol)
		return
	}
	netdev.ClampMSS(ip, o.mtu)
	o.place(b, size, protocol)
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
func (o *outbound) seal(i int) {
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
	h := gre.Header{CallID: o.callID, PayloadLen: uint16(end - at), HasSeq: true, Seq: o.seq.Next()}
	if i == 0 {
		h.Ack, h.HasAck = o.acks.piggyback()
	}
	at -= h.Len()
	h.Put(b[at:])
	o.pkts = append(o.pkts, b[at:end])
}

// sendFrame sends one PPP control frame, complete from its address or protocol field on.
func (o *outbound) sendFrame(frame []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(frame) > bufferSize-gre.MaxHeader {
		o.stats.TooLong++
		return
	}
	h := gre.Header{CallID: o.callID, PayloadLen: uint16(len(frame)), HasSeq: true, Seq: o.seq.Next()}
	h.Ack, h.HasAck = o.acks.piggyback()
	n := h.Put(o.frame[:])
	n += copy(o.frame[n:], frame)
	o.stats.Frames++
	o.pkts = append(o.pkts[:0], o.frame[:n])
	o.trace.frame(true, frame)
	_, _ = o.to.Send(o.pkts)
}

// sendAck sends an acknowledgment alone; it takes no sequence number (RFC 2637 section 4.1).
func (o *outbound) sendAck(ack uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := gre.AckOnly(o.callID, ack).Put(o.frame[:])
	o.stats.Acks++
	o.pkts = append(o.pkts[:0], o.frame[:n])
	_, _ = o.to.Send(o.pkts)
}
