package session

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// The way of a packet in, all of it on the goroutine that reads the GRE socket:
//
//  1. receiver takes a batch from the socket and finds the session of each packet by the peer's address and our call ID
//     (shard.go). Those of one session make a run; what can be deciphered of all runs is, together (ahead.go).
//  2. one parses the GRE header and the PPP protocol.
//  3. Control frames whose sequence number is believable go to the session's own goroutine at once (control.go); their
//     number is marked in the window, so that it does not wait for it.
//  4. Stateless MPPE is deciphered on arrival, in any order; only what deciphers to a sound IP packet goes further.
//     Stateful MPPE and clear packets must pass the check of their sequence number instead (belief.go).
//  5. The window puts packets in order, or not, by its policy; stateful MPPE is deciphered as it comes out.
//  6. deliver checks the packet's addresses, clamps the MSS, and the batch goes to the device in one write.

// inbound is one session's state from its peer.
type inbound struct {
	mu      sync.Mutex
	dev     netdev.Device // nil until the local end is up
	dec     *mppe.Decrypter
	over    bool           // the session has ended, and dec has no keys any more
	ahead   *decipheredRun // of the run in hand
	early   bool           // stateless MPPE: decipher before the window
	behind  bool           // the decrypter is catching up with the peer after an outage
	turn    time.Time      // when it may take the next steps
	win     *reorder.Window
	winCfg  reorder.Config
	data    belief    // of packets that carry data
	ctl     belief    // of control frames, which also follow data
	dataAt  time.Time // when the last number of data was believed
	alive   [2]bool   // the run in hand has proved that the peer lives, by IPv4 and by IPv6
	magic   uint32    // the peer's, 0: none
	nonce   uint64    // in the peer's answers to our echoes, 0: none
	up      bool      // IP packets may enter
	ipv4    bool      // by IPCP, which is open
	ipv6    bool      // the same by IPV6CP
	clear   bool      // IP packets may come in clear
	mtu     int       // for the MSS
	ingress bool      // server: only from the addresses that follow
	source  netip.Addr
	source6 netip.Addr // link-local
	seen    frameLog
	stats   inStats

	believed  []uint32   // sequence numbers of the run in hand that are to be acknowledged
	writer    *devWriter // of the goroutine that holds mu at the moment
	deliverFn func([]byte)
}

// inStats counts what came, and why what did not pass was dropped.
type inStats struct {
	Packets, Bytes uint64 // IP packets delivered to the device, and their bytes
	Frames         uint64 // PPP control frames taken
	Acks           uint64 // GRE packets that carried only an acknowledgment
	Malformed      uint64 // GRE or PPP headers that do not parse
	Disbelieved    uint64 // sequence number far from the live one
	RepeatedFrames uint64 // control frames seen before
	NotUp          uint64 // data before the link was open for it
	ClearRefused   uint64 // data in clear on an encrypted link
	Undecipherable uint64 // MPPE that deciphers to nothing sound: forged, or a wrong key
	Late           uint64 // MPPE older than any kept key
	Repeated       uint64 // MPPE that was deciphered before
	OutOfReach     uint64 // MPPE too far ahead to decipher yet
	TooLong        uint64 // larger than any packet we could have agreed on
	Spoofed        uint64 // source address is not the one given to the peer
	RouterMessages uint64 // ICMPv6 that would give us routes
	Overrun        uint64 // control frames that came faster than they could be answered
	DeviceErrors   uint64 // batches the local device refused
}

// beginReceiving takes a run of GRE packets of this session, in the order in which they came, and
// adds those that can be deciphered ahead to batch; nil: none. Once batch is deciphered,
// endReceiving takes the rest of their way with them, and until then nobody else touches the way
// in.
func (s *Session) beginReceiving(pkts []gre.Packet, batch *mppe.ReceiveBatch) {
	if !s.heard.Load() {
		s.heard.Store(true)
	}
	s.in.mu.Lock()
	if batch != nil {
		s.in.decipherAhead(pkts, batch)
	}
}

// endReceiving ends what beginReceiving has begun with the same packets.
func (s *Session) endReceiving(now time.Time, pkts []gre.Packet, w *devWriter) {
	in := &s.in
	in.writer = w
	for i := range pkts {
		s.one(now, pkts[i].Data)
	}
	in.endAhead()
	s.acknowledge(now)
	s.finish()
	in.mu.Unlock()
	s.arm()
}

// finish writes what one batch has delivered.
func (s *Session) finish() {
	s.flush()
	s.in.writer = nil
}

func (s *Session) flush() {
	if s.in.writer.flush(s.in.dev) != nil {
		s.in.stats.DeviceErrors++
	}
}

// one takes one GRE packet.
func (s *Session) one(now time.Time, data []byte) {
	in := &s.in
	h, payload, err := gre.Parse(data)
	empty := errors.Is(err, gre.ErrEmpty)
	if err != nil && !(empty && h.HasAck) {
		in.stats.Malformed++
		return
	}
	if h.HasAck {
		s.out.to.Acknowledged(h.Ack)
	}
	if !h.HasSeq || empty {
		in.stats.Acks++
		return
	}
	protocol, body, err := ppp.ParseFrame(payload)
	if err != nil {
		in.stats.Malformed++
		return
	}
	switch {
	case protocol == ppp.ProtoCompressed:
		s.encrypted(now, h.Seq, body)
	case protocol == ppp.ProtoIPv4 || protocol == ppp.ProtoIPv6:
		s.inClear(now, h.Seq, protocol, body)
	default:
		s.control(now, h.Seq, payload)
	}
}

// control takes a PPP control frame, from its address or protocol field on.
func (s *Session) control(now time.Time, seq uint32, frame []byte) {
	in := &s.in
	if !in.ctl.isNear(seq) && !in.data.isWithin(seq, FrameNear) {
		// While data has its own proof (it deciphers), a far control frame is not believed, not
		// even before the first data, unless it has a proof too; without that it may be the first
		// of a stream that has moved.
		switch {
		case in.isEcho(seq, frame):
			in.ctl.last = seq
		case in.early || in.ctl.judge(seq) == disbelieved:
			in.stats.Disbelieved++
			s.traceFar(frame, seq, in.ctl.last)
			return
		}
	}
	if in.seen.repeated(seq, frame) {
		in.stats.RepeatedFrames++
		s.traceDropped(frame, "it came before")
		return
	}
	in.ctl.follow(seq)
	if in.data.started && in.data.isNear(seq) {
		in.win.Mark(seq, in.deliverFn)
	}
	if in.mayAcknowledge(now, seq, frame) {
		in.believed = append(in.believed, seq)
	}
	in.stats.Frames++
	s.handFrame(frame)
}

// mayAcknowledge reports whether the number of a control frame is acknowledged. Once data has come
// that is what proves a number, and a frame ahead of it must prove itself: as an echo of the
// peer's, and no further ahead than the frames of the time since the last data can have led.
func (in *inbound) mayAcknowledge(now time.Time, seq uint32, frame []byte) bool {
	ahead := int32(seq - in.data.last)
	if !in.data.started || ahead <= 0 {
		return true
	}
	return in.isPeersEcho(frame) && time.Duration(ahead) <= stride*(1+now.Sub(in.dataAt)/time.Second)
}

// isEcho is whether a frame is an echo that can follow an outage: further on, and of the peer's.
// Without it a session that is idle after an outage would stay deaf.
func (in *inbound) isEcho(seq uint32, frame []byte) bool {
	return in.isPeersEcho(frame) && int32(seq-in.ctl.last) > 0
}

// isPeersEcho is whether a frame is an echo with what only the peer knows, and who has seen it on
// the wire: its magic number, or, for some peers fill in another one than was agreed on, what our
// own Echo-Requests have in them.
func (in *inbound) isPeersEcho(frame []byte) bool {
	if magic, ok := ppp.EchoMagic(frame); ok && magic != 0 && magic == in.magic {
		return true
	}
	nonce, ok := ppp.EchoNonce(frame)
	return ok && nonce != 0 && nonce == in.nonce
}

// encrypted takes the body of an MPPE packet (RFC 3078 section 3).
func (s *Session) encrypted(now time.Time, seq uint32, body []byte) {
	in := &s.in
	switch {
	case in.dec == nil || in.over:
		in.stats.NotUp++
	case len(body) > maxPacket:
		in.stats.TooLong++
	case in.early:
		s.decipher(now, seq, body)
	default:
		if !s.believe(now, seq) || !in.mayPass() {
			return
		}
		b := getBuffer()
		b[0] = holdsMPPE
		binary.BigEndian.PutUint32(b[seqAt:], seq)
		n := copy(b[headroom-4:], body)
		s.push(now, seq, b[:headroom-4+n])
	}
}

// decipher takes a stateless packet, which was tried with its whole run or is tried at once; what
// is not sound has moved nothing.
func (s *Session) decipher(now time.Time, seq uint32, body []byte) {
	in := &s.in
	b, plain, err := in.decipherOne(seq, body)
	if err != nil {
		in.countDecryptError(err)
		return
	}
	if !in.data.isNear(seq) && in.ctl.isWithin(seq, Near) {
		// The control frames of a long quiet time have led the numbers here, and data follows them.
		in.win.Restart(in.deliverFn)
		in.data.last = seq
	}
	// Even a sound packet must come where the stream is: an old one sent again under another number
	// must not move the window.
	if !s.believe(now, seq) {
		putBuffer(b[:])
		return
	}
	in.proven(seq, familyIn(plain))
	if !in.mayPass() {
		putBuffer(b[:])
		return
	}
	s.placeIP(now, seq, b, plain)
}

// Families of IP, as indices.
const (
	isIPv4 = iota
	isIPv6
)

// familyOf is the family of a PPP protocol.
func familyOf(protocol uint16) int {
	if protocol == ppp.ProtoIPv6 {
		return isIPv6
	}
	return isIPv4
}

// familyIn is the family of the IP packet in a PPP payload, which begins with the protocol in one
// byte or two.
func familyIn(payload []byte) int {
	switch {
	case len(payload) < 2:
		return isIPv4
	case payload[0]&1 != 0:
		return familyOf(uint16(payload[0]))
	}
	return familyOf(binary.BigEndian.Uint16(payload))
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

// placeIP puts a deciphered PPP payload, which begins at headroom-2 in b, into the window.
func (s *Session) placeIP(now time.Time, seq uint32, b *buffer, plain []byte) {
	n, ok := s.in.unwrap(b, len(plain))
	if !ok {
		putBuffer(b[:])
		return
	}
	b[0] = holdsIP
	s.push(now, seq, b[:headroom+n])
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
	in.stats.Undecipherable++
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
		in.stats.Undecipherable++
	}
}

// inClear takes an IP packet that was not encrypted.
func (s *Session) inClear(now time.Time, seq uint32, protocol uint16, ip []byte) {
	in := &s.in
	switch {
	case !in.clear:
		in.stats.ClearRefused++
	case len(ip) > maxPacket:
		in.stats.TooLong++
	case s.believe(now, seq):
		in.proven(seq, familyOf(protocol))
		if !in.mayPass() {
			return
		}
		b := getBuffer()
		b[0] = holdsIP
		n := copy(b[headroom:], ip)
		s.push(now, seq, b[:headroom+n])
	}
}

// believe judges the sequence number of a data packet and keeps what depends on it in step.
func (s *Session) believe(now time.Time, seq uint32) bool {
	in := &s.in
	if ahead := int32(seq - in.ctl.last); !in.data.started && in.ctl.started && ahead > 0 && ahead < Near {
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
func (s *Session) push(now time.Time, seq uint32, p []byte) {
	s.in.win.Push(now, seq, p, s.in.deliverFn)
}

// deliver takes what the window lets go, in its order.
func (s *Session) deliver(p []byte) {
	in := &s.in
	if p[0] == holdsMPPE {
		var ok bool
		if p, ok = s.decipherLate(p); !ok {
			return
		}
	}
	ip := p[headroom:]
	if !in.mayEnter(ip) {
		putBuffer(p)
		return
	}
	netdev.ClampMSS(ip, in.mtu)
	in.stats.Packets++
	in.stats.Bytes += uint64(len(ip))
	if in.writer.add(p) {
		s.flush()
	}
}

// decipherLate deciphers a stateful packet whose turn has come, in place: the MPPE header at
// headroom-4, the plain packet at headroom-2.
func (s *Session) decipherLate(p []byte) ([]byte, bool) {
	in := &s.in
	sealed := p[headroom-4:]
	plain, err := in.dec.Decrypt(sealed[2:2], sealed, binary.BigEndian.Uint32(p[seqAt:]))
	if err != nil {
		putBuffer(p)
		in.countDecryptError(err)
		if in.dec.NeedReset() {
			s.needReset.Store(true)
		}
		return nil, false
	}
	in.proven(binary.BigEndian.Uint32(p[seqAt:]), familyIn(plain))
	b := (*buffer)(p[:bufferSize])
	n, ok := in.unwrap(b, len(plain))
	if !ok {
		putBuffer(p)
		return nil, false
	}
	return b[:headroom+n], true
}

// mayEnter judges the IP packet itself: its version was negotiated, its length is what its header
// says, and on a server its source is the address the peer was given.
func (in *inbound) mayEnter(ip []byte) bool {
	switch {
	case !in.up:
		in.stats.NotUp++
		return false
	case len(ip) >= 20 && ip[0]>>4 == 4 && in.ipv4:
		return in.mayComeFrom(netip.AddrFrom4([4]byte(ip[12:16])), in.source)
	case len(ip) >= 40 && ip[0]>>4 == 6 && in.ipv6:
		if isRouterMessage(ip) {
			in.stats.RouterMessages++
			return false
		}
		return in.mayComeFrom(netip.AddrFrom16([16]byte(ip[8:24])), in.source6)
	}
	in.stats.Malformed++
	return false
}

// mayComeFrom compares a source address with the one the peer has; one without an address sends
// from none.
func (in *inbound) mayComeFrom(source, given netip.Addr) bool {
	if in.ingress && source != given {
		in.stats.Spoofed++
		return false
	}
	return true
}

// expire lets go of what has waited long enough in the window.
func (s *Session) expire(now time.Time) {
	in := &s.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if at, ok := in.win.Deadline(); !ok || now.Before(at) {
		return
	}
	w := writers.Get().(*devWriter)
	defer writers.Put(w)
	in.writer = w
	in.win.Expire(now, in.deliverFn)
	s.acknowledge(now)
	s.finish()
}

// acknowledge notes the proven sequence numbers of a run for the next acknowledgment, and that the
// peer lives.
func (s *Session) acknowledge(now time.Time) {
	for family, alive := range s.in.alive {
		if alive {
			s.in.alive[family] = false
			s.life[family].Store(max(1, s.after(now)))
		}
	}
	if len(s.in.believed) == 0 {
		return
	}
	s.ackMu.Lock()
	for _, seq := range s.in.believed {
		s.acker.Received(now, seq)
	}
	s.ackMu.Unlock()
	s.in.believed = s.in.believed[:0]
}
