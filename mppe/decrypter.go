package mppe

import (
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/arc4tun/arc4tun/arc4"
)

// maxInlineChanges is how many key changes a packet beyond the look-ahead (stateless), or a packet
// with the FLUSHED bit (stateful), may cost at once; CatchUp does the rest.
const (
	maxInlineChanges  = 64
	maxFlushedChanges = 16
)

// maxBehind is how far a sequence number may lie behind, in histories and look-aheads, and still be
// taken for that of a late packet.
const maxBehind = 2

// grant is how many key changes one credible packet allows CatchUp to make, maxCredit the most it
// can have saved up: a forged target 2^31 packets away is not worth the minutes that the way there
// takes.
const (
	grant     = 1 << 14
	maxCredit = 1 << 17
)

// Decrypter is the receiving half of one direction of a session. It is not safe for concurrent use.
type Decrypter struct {
	keys *keyChanger
	// stream is the cipher that packets go through; in stateful mode it lives on from packet to
	// packet.
	stream    *arc4.Cipher
	plausible func([]byte) bool
	// high is the index of the furthest packet that was decrypted, -1 before the first.
	high int64
	// anchor is the GRE sequence number that packet high came with.
	anchor uint32

	// One of them is nil.
	stateless *statelessState
	stateful  *statefulState
	// run has this session's packets in a ReceiveBatch, nil if there are none.
	run *receiveRun
	// wary reports whether most packets of the last batch were implausible.
	wary  bool
	stats DecryptStats
}

// NewDecrypter starts a direction: the first packet is expected to have the coherency count 0. An
// error says what is wrong with the Config.
func NewDecrypter(cfg Config) (*Decrypter, error) {
	keys, session, err := newKeyChanger(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Plausible == nil {
		return nil, errors.New("mppe: no Config.Plausible: a Decrypter must know what packets can decrypt to, see PlausiblePPP")
	}
	if cfg.History < 0 || cfg.History > mostHistory {
		return nil, fmt.Errorf("mppe: history of %d packets: must be 0 to %d", cfg.History, mostHistory)
	}
	// Every known peer begins a call with sequence number 0 or 1, so at most Seq packets lie before
	// the first one. Where that is wrong (CCP was opened again), what decrypts says so.
	d := &Decrypter{keys: keys, stream: keys.rc4, plausible: cfg.Plausible, high: -1, anchor: ^uint32(0)}
	if cfg.Stateless {
		reserve, err := newReserve(cfg)
		if err != nil {
			return nil, err
		}
		d.stateless = &statelessState{store: newKeyStore(keys, reserve, session, cfg.History)}
		return d, nil
	}
	if d.stream, err = keys.backend.New(cfg.Key); err != nil {
		return nil, err
	}
	d.stateful = &statefulState{session: session, linuxReset: cfg.LinuxReset}
	keys.setKey(d.stream, &session)
	return d, nil
}

// Decrypt appends the plain text of packet to dst and returns that: a PPP protocol field and its
// payload. packet is an MPPE header and ciphertext, seq the sequence number of the GRE packet that
// it came in. With an error, which is one of this package's, dst has the length that it had and
// packet is as it was. A ReceiveBatch does the same with many packets.
//
// It does not allocate when dst has room. That room may lie exactly on the ciphertext (dst is
// packet[HeaderSize:HeaderSize]); any other overlap panics or garbles, as for cipher.Stream.
//
// Stateless mode decrypts every packet on arrival, in any order, within Config.History behind and
// 2,047 ahead of the furthest one. Stateful mode wants them in order. The sequence number resolves
// what 12 bits of count cannot: how far the keys have gone after an outage of more than 2,047
// packets, and which packet it is that comes more than 2,048 late.
//
// In stateless mode a packet that does not decrypt costs one key set-up and PlausiblePrefix bytes,
// those of the look-ahead's 2,047 key changes that nobody caused before, and if its sequence number
// claims to lie beyond that, up to 64 more, but none once CatchUp has been called, which then makes
// them all; a packet that ends an outage may look ahead once more from there. In stateful mode it
// costs 32 key changes at most.
func (d *Decrypter) Decrypt(dst, packet []byte, seq uint32) ([]byte, error) {
	p := Packet{Data: packet, Seq: seq, Dst: dst}
	if d.begin(&p) {
		d.take(&p)
	}
	return p.Dst, p.Err
}

// begin reads the header of a packet and reports whether it is to be decrypted.
func (d *Decrypter) begin(p *Packet) bool {
	p.Err = p.parse(d.stateless != nil)
	d.stats.refused(p.Err)
	return p.Err == nil
}

// take decrypts a packet whose turn it is.
func (d *Decrypter) take(p *Packet) {
	if d.stateless != nil {
		p.Err = d.takeStateless(p, d.claim(p))
	} else {
		p.Err = d.takeStateful(p)
	}
	d.taken(p)
}

// taken completes a packet with what its turn has made of it.
func (d *Decrypter) taken(p *Packet) {
	p.key = nil
	if p.Err != nil {
		d.stats.refused(p.Err)
		return
	}
	n := len(p.Data) - HeaderSize
	p.Dst = p.Dst[:len(p.Dst)+n]
	d.stats.Packets++
	d.stats.Bytes += uint64(n)
}

// ahead gives how many sequence numbers the packet is ahead of packet high (serial arithmetic, RFC
// 1982). One that is further behind than any network delays a packet says nothing: the peer has
// begun to count anew.
func (d *Decrypter) ahead(p *Packet) (n int64, known bool) {
	window := int64(countSpace)
	if d.stateless != nil {
		window = d.stateless.store.history + leastHistory
	}
	n = int64(int32(p.Seq - d.anchor))
	return n, n >= -maxBehind*window
}

// claim gives the index that count and sequence number together mean: ahead of the furthest packet
// no more packets can lie than sequence numbers, behind it no more either. Where the sequence
// number says nothing it is the one within the window.
func (d *Decrypter) claim(p *Packet) int64 {
	ahead, known := d.ahead(p)
	switch {
	case !known:
		return nearest(d.high, p.count)
	case ahead < 0:
		return atMost(d.high+ahead+countMask, p.count)
	}
	return atMost(d.high+ahead, p.count)
}

// open decrypts the packet with a keystream into its room, unless the first PlausiblePrefix bytes
// are not plausible: then no more than those was decrypted and everything is as before, except for
// the keystream.
func (d *Decrypter) open(stream *keystream, p *Packet) bool {
	out, body := p.room(), p.body()
	var before [PlausiblePrefix]byte
	n := copy(before[:], body)
	stream.xor(out[:n], body[:n])
	if !d.plausible(out) {
		copy(out, before[:n])
		return false
	}
	stream.xor(out[n:], body[n:])
	return true
}

// keystream is what a packet is decrypted with: what was made before it came, or else what a cipher
// makes.
type keystream struct {
	made   []byte
	cipher *arc4.Cipher
}

// xor decrypts the next bytes.
func (k *keystream) xor(dst, src []byte) {
	if k.cipher != nil {
		k.cipher.XORKeyStream(dst, src)
		return
	}
	k.made = k.made[subtle.XORBytes(dst, src, k.made):]
}

// advanceTo makes n, which came with the sequence number seq, the furthest packet.
func (d *Decrypter) advanceTo(n int64, seq uint32) { d.high, d.anchor = n, seq }

// CatchUp makes at most steps key changes on the way to where the session seems to have gone after
// an outage, and reports whether there is more to do. A timer calls it while there is, so that
// recovery does not have to wait for packets, each of which may cost a few changes only. There is
// nothing to do unless a packet's error was ErrOutOfRange. What is found there must decrypt before
// anything is believed; in stateful mode it is the next packet with the FLUSHED bit that does.
func (d *Decrypter) CatchUp(steps int) (pending bool) {
	if d.stateless != nil {
		return d.catchUpStateless(steps)
	}
	return d.catchUpStateful(steps)
}

// Reserve gives what Config.Reserve asked for, or nil; some goroutine should call its Fill. With it
// a packet that does not decrypt costs no key set-up either.
func (d *Decrypter) Reserve() *Reserve {
	if d.stateless == nil {
		return nil
	}
	return d.stateless.store.reserve
}

// NeedReset reports whether stateful mode has lost packets: a CCP Reset-Request should be sent, and
// again after a while as long as this is true. Stateless mode never needs one.
func (d *Decrypter) NeedReset() bool {
	return d.stateful != nil && d.stateful.discarding
}

// Stats gives the counters so far.
func (d *Decrypter) Stats() DecryptStats {
	s := d.stats
	s.Rekeys = d.keys.rekeys
	return s
}
