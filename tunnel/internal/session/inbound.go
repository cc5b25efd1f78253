package session

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/internal/serial"
	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// The way of a packet in, on the goroutine that reads the GRE socket; only what has waited too long
// in the window goes on from there on the session's own (inboundlife.go), and what came before its
// session was there is taken by whoever adds that (socketreader.go):
//
//  1. A socketReader takes a batch from the socket (socketreader.go). The headers of every packet
//     are read, once, into a record that goes with it (record.go), and its session is found by the
//     peer's address and our call ID.
//  2. Those of one session make a run (incoming.go). receiveRuns has what can be decrypted of all
//     runs decrypted, together, and then has every run take its way:
//  3. Control frames whose sequence number is believable go to the session's own goroutine at once
//     (controlframes.go); their number is marked in the window, so that it does not wait for it.
//  4. Stateless MPPE was decrypted on arrival, in any order; only what decrypts to a sound IP
//     packet goes further. Stateful MPPE and clear packets must pass the check of their sequence
//     number instead (belief.go).
//  5. The window puts packets in order, or not, by its policy; stateful MPPE is decrypted as it
//     comes out.
//  6. deliver checks the packet's addresses and clamps the MSS (delivery.go), and the batch goes to
//     the device in one write (devicewriter.go).

// inbound is one session's way in. Its packets come from the socket's reader, everything else from
// the session's own goroutine; mu guards what both touch.
type inbound struct {
	// Made once.
	began     time.Time // of the session
	now       func() time.Time
	turns     *catchUpTurns
	to        gre.Sender // hears what the peer has acknowledged
	acks      *acknowledgments
	trace     tracer
	frames    chan []byte // control frames for the session's goroutine
	arm       func()      // a deadline may have come nearer; called without mu
	deliverFn func([]byte)
	sizes     memory.Sizes
	all       *heldPackets

	heard     atomic.Bool     // a GRE packet has come
	needReset atomic.Bool     // stateful MPPE waits for a Reset-Ack
	lastData  [2]atomic.Int64 // when IPv4 and IPv6 that proved itself last came, nanoseconds after began; 0: never

	mu    sync.Mutex
	stats inStats

	dec       *mppe.Decrypter
	stateless bool      // MPPE is decrypted before the window
	clear     bool      // IP packets may come in clear
	over      bool      // the session has ended, and dec has no keys any more
	behind    bool      // the decrypter is catching up with the peer after an outage
	turn      time.Time // when it may take the next steps

	win    *reorder.Window
	held   int       // packets in it that all has counted
	data   belief    // of packets that carry data
	ctl    belief    // of control frames, which also follow data
	dataAt time.Time // when the last number of data was believed
	seen   frameLog
	acked  uint32 // the GRE number that the peer has acknowledged last
	hasAck bool   // it has acknowledged one

	opening

	// Of the run in hand.
	believed []uint32 // sequence numbers that are to be acknowledged
	alive    [2]bool  // it has proved that the peer lives, by IPv4 and by IPv6
	writer   *deviceWriter
}

// opening is for what the way in is open.
type opening struct {
	up         bool // IP packets may enter
	ipv4, ipv6 bool // by IPCP and IPV6CP, which are open
	dev        netdev.Device
	mtu        int  // for the MSS
	check      bool // take only packets from the addresses that follow
	source     netip.Addr
	source6    netip.Addr // link-local
	magic      uint32     // the peer's, 0: none
	nonce      uint64     // in the peer's answers to our echoes, 0: none
}

// receiveRuns takes the packets of one read, session by session, each session's in the order in
// which they came, and writes what they deliver with w.
func receiveRuns(now time.Time, runs []incomingRun, batch *mppe.ReceiveBatch, w *deviceWriter) {
	for i := range runs {
		in := &runs[i].session.in
		in.mu.Lock()
		in.prepare(runs[i].packets, batch)
	}
	batch.Decrypt()
	for i := range runs {
		in := &runs[i].session.in
		in.take(now, runs[i].packets, w)
		in.mu.Unlock()
		in.arm()
	}
}

// prepare has what can be decrypted on arrival decrypted with the batch.
func (in *inbound) prepare(packets []*received, batch *mppe.ReceiveBatch) {
	if !in.stateless || in.dec == nil || in.over {
		return
	}
	for _, p := range packets {
		if p.kind == isCompressed && len(p.body) <= maxPacket {
			p.buf = getBuffer()
			p.mppe = mppe.Packet{Data: p.body, Seq: p.seq, Dst: p.buf[headroom-2 : headroom-2]}
			batch.Add(in.dec, &p.mppe)
		}
	}
}

// take takes a run of packets, of which the batch has decrypted what it could.
func (in *inbound) take(now time.Time, packets []*received, w *deviceWriter) {
	if !in.heard.Load() {
		in.heard.Store(true)
	}
	in.writer = w
	for _, p := range packets {
		in.one(now, p)
	}
	in.account()
	in.acknowledge(now)
	in.flush()
	in.writer = nil
}

// account has what the window holds counted among what all windows hold.
func (in *inbound) account() { in.held = in.all.account(in.win, in.held, in.deliverFn) }

// one takes one packet.
func (in *inbound) one(now time.Time, p *received) {
	if p.hasAck {
		in.to.Acknowledged(p.ack)
		in.acked, in.hasAck = p.ack, true
	}
	switch p.kind {
	case isAcknowledgment:
		in.stats.Acks++
	case isControl:
		in.control(now, p.seq, p.frame)
	case isCompressed:
		in.compressed(now, p)
	case isClear:
		in.inClear(now, p)
	default:
		in.stats.Malformed++
	}
}

// compressed takes an MPPE packet (RFC 3078 section 3).
func (in *inbound) compressed(now time.Time, p *received) {
	switch {
	case in.dec == nil || in.over:
		in.stats.NotUp++
	case len(p.body) > maxPacket:
		in.stats.TooLong++
	case in.stateless:
		in.decrypted(now, p)
	case in.believe(now, p.seq) && in.mayPass():
		b := getBuffer()
		b[0] = holdsMPPE
		binary.BigEndian.PutUint32(b[seqAt:], p.seq)
		n := copy(b[headroom-4:], p.body)
		in.push(now, p.seq, b[:headroom-4+n])
	}
}

// decrypted takes a stateless packet; what is not sound has moved nothing.
func (in *inbound) decrypted(now time.Time, p *received) {
	b, plain := p.buf, p.mppe.Dst
	p.buf, p.mppe.Dst = nil, nil // the record outlives the packet
	if p.mppe.Err != nil {
		putBuffer(b[:])
		in.countDecryptError(p.mppe.Err)
		return
	}
	if !in.data.isNear(p.seq) && in.ctl.isWithin(p.seq, Near) {
		// The control frames of a long quiet time have led the numbers here, and data follows them.
		in.win.Restart(in.deliverFn)
		in.data.last = p.seq
	}
	// Even a sound packet must come where the stream is: an old one sent again under another number
	// must not move the window.
	if !in.believe(now, p.seq) {
		putBuffer(b[:])
		return
	}
	in.proven(p.seq, familyIn(plain))
	if !in.mayPass() {
		putBuffer(b[:])
		return
	}
	n, ok := in.unwrap(b, len(plain))
	if !ok {
		putBuffer(b[:])
		return
	}
	b[0] = holdsIP
	in.push(now, p.seq, b[:headroom+n])
}

// proven notes a number whose packet is the peer's: it is acknowledged, and a sign of life.
func (in *inbound) proven(seq uint32, family int) {
	in.believed = append(in.believed, seq)
	in.alive[family] = true
}

// mayPass reports whether the link is open for data, and counts a packet for which it is not. The
// peer may be up before us, and send so much until we are that its next control frame would be far
// from the last one: so what data proves about sequence numbers and keys is taken before this is
// asked.
func (in *inbound) mayPass() bool {
	if !in.up {
		in.stats.NotUp++
	}
	return in.up
}

// unwrap reads the PPP protocol at headroom-2 and leaves the IP packet of n bytes at headroom. A
// compressed protocol field is one byte shorter, so the packet is moved up.
func (in *inbound) unwrap(b *buffer, size int) (n int, ok bool) {
	p := b[headroom-2:]
	switch {
	case size >= 2 && p[0]&1 == 0:
		protocol := binary.BigEndian.Uint16(p)
		return size - 2, protocol == ppp.ProtoIPv4 || protocol == ppp.ProtoIPv6
	case size >= 1 && (p[0] == byte(ppp.ProtoIPv4) || p[0] == byte(ppp.ProtoIPv6)):
		copy(b[headroom:], p[1:size])
		return size - 1, true
	}
	in.stats.Undecryptable++
	return 0, false
}

func (in *inbound) countDecryptError(err error) {
	switch err {
	case mppe.ErrLate:
		in.stats.Late++
	case mppe.ErrDuplicate:
		in.stats.Repeated++
	case mppe.ErrOutOfRange:
		in.stats.OutOfReach++
		in.behind = true
	default:
		in.stats.Undecryptable++
	}
}

// inClear takes an IP packet that was not encrypted.
func (in *inbound) inClear(now time.Time, p *received) {
	switch {
	case !in.clear:
		in.stats.ClearRefused++
	case len(p.body) > maxPacket:
		in.stats.TooLong++
	case in.believe(now, p.seq):
		in.proven(p.seq, familyOf(p.protocol))
		if !in.mayPass() {
			return
		}
		b := getBuffer()
		b[0] = holdsIP
		n := copy(b[headroom:], p.body)
		in.push(now, p.seq, b[:headroom+n])
	}
}

// believe judges the sequence number of a data packet and keeps what depends on it in step.
func (in *inbound) believe(now time.Time, seq uint32) bool {
	if ahead := serial.Diff(seq, in.ctl.last); !in.data.started && in.ctl.started && ahead > 0 && ahead < Near {
		// The first data follow the last control frame, and may have overtaken each other.
		in.win.Begin(now, in.ctl.last+1)
	}
	switch in.data.judge(seq) {
	case disbelieved:
		in.stats.Disbelieved++
		return false
	case moved:
		in.win.Restart(in.deliverFn)
	}
	in.ctl.last, in.ctl.started = in.data.last, true
	in.dataAt = now
	return true
}

// push hands a packet to the window.
func (in *inbound) push(now time.Time, seq uint32, p []byte) {
	in.win.Push(now, seq, p, in.deliverFn)
}

// acknowledge notes the proven sequence numbers of a run for the next acknowledgment, and that the
// peer lives.
func (in *inbound) acknowledge(now time.Time) {
	for family, alive := range in.alive {
		if alive {
			in.alive[family] = false
			in.lastData[family].Store(max(1, int64(now.Sub(in.began))))
		}
	}
	if len(in.believed) > 0 {
		in.acks.received(now, in.believed)
		in.believed = in.believed[:0]
	}
}
