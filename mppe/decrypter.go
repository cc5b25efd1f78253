package mppe

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/arc4tun/arc4tun/arc4"
)

// maxInlineChanges is how many key changes a packet beyond the look-ahead (stateless), or a packet with the FLUSHED bit
// (stateful), may cost at once; CatchUp does the rest.
const (
	maxInlineChanges  = 64
	maxFlushedChanges = 16
)

// maxBehind is how far a sequence number may lie behind, in histories and look-aheads, and still be taken for that of a
// late packet.
const maxBehind = 2

// grant is how many key changes one credible packet allows CatchUp to make, maxCredit the most it can have saved up: a
// forged target 2^31 packets away is not worth the minutes that the way there takes.
const (
	grant     = 1 << 14
	maxCredit = 1 << 17
)

// Decrypter is the receiving half of one direction of a session. It is not safe for concurrent use.
type Decrypter struct {
	keys *keyChanger
	// stream is the cipher that packets go through; in stateful mode it lives on from packet to packet.
	stream    *arc4.Cipher
	plausible func([]byte) bool
	// high is the index of the furthest packet that was decrypted, -1 before the first.
	high int64
	// anchor is the GRE sequence number that packet high came with; anchored says that it is known.
	anchor   uint32
	anchored bool

	stateless *statelessState
	stateful  *statefulState
	// queued says that a ReceiveBatch has packets of this session, wary that most of its last ones were implausible.
	queued, wary bool
	batch        *ReceiveBatch
	// made is a keystream that the reserve had, on its way through open.
	made keystream
	// later is set while a ReceiveBatch goes through packets that nobody judges: they are decrypted afterwards, together.
	later *ReceiveBatch
	stats DecryptStats
}

// NewDecrypter starts a direction: the first packet is expected to have the coherency count 0.
func NewDecrypter(cfg Config) (*Decrypter, error) {
	keys, session, err := newKeyChanger(cfg)
	if err != nil {
		return nil, err
	}
	d := &Decrypter{keys: keys, stream: keys.rc4, plausible: cfg.Plausible, high: -1}
	if d.plausible != nil {
		// Every known peer begins a call with sequence number 0 or 1, so at most seq packets lie before this one. Where
		// that is wrong (CCP was opened again), what decrypts says so; without a judge it is not assumed.
		d.anchor, d.anchored = ^uint32(0), true
	}
	if cfg.History < 0 || cfg.History > mostHistory {
		return nil, fmt.Errorf("mppe: history of %d packets: must be 0 to %d", cfg.History, mostHistory)
	}
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

// arrival is one packet on its way through the decrypter.
type arrival struct {
	count   uint16
	flushed bool
	body    []byte
	seq     uint32
	hasSeq  bool
	// ahead is how many sequence numbers the packet is ahead of packet high; known says whether that is known.
	ahead int64
	known bool
	// trial is what a batch has decrypted of it, nil if nothing.
	trial *trial
}

// Decrypt appends the plaintext of packet, an MPPE header and ciphertext, to dst: a PPP protocol field and its payload.
// It does not allocate when dst has room. That room may lie exactly on the ciphertext (dst is packet[HeaderSize:HeaderSize]);
// any other overlap panics or garbles, as for cipher.Stream. With an error it returns dst as it was, and a packet that
// was to be decrypted in place is as it was too.
//
// Stateless mode decrypts every packet on arrival, in any order, within 2,048 packets behind and 2,047 ahead of the furthest
// one, with DecryptSeq within Config.History behind. Stateful mode wants them in order.
func (d *Decrypter) Decrypt(dst, packet []byte) ([]byte, error) {
	a, err := d.parse(packet)
	if err != nil {
		d.refuse(err)
		return dst, err
	}
	return d.dispatch(dst, &a)
}

// DecryptSeq is Decrypt for a packet that came in a GRE packet with that sequence number. The number resolves what 12
// bits of count cannot: how far the keys have gone after an outage of more than 2,047 packets, and which packet it is that
// comes more than 2,048 late.
//
// In stateless mode a packet that does not decrypt costs one key set-up and PlausiblePrefix bytes, those of the look-ahead's
// 2,047 key changes that nobody caused before, and if its sequence number claims to lie beyond that, up to 64 more, but none
// once CatchUp has been called, which then makes them all; a packet that ends an outage may look ahead once more from
// there. In stateful mode it costs 32 key changes at most.
func (d *Decrypter) DecryptSeq(dst, packet []byte, seq uint32) ([]byte, error) {
	a, err := d.parse(packet)
	if err != nil {
		d.refuse(err)
		return dst, err
	}
	a.seq, a.hasSeq = seq, true
	d.locate(&a)
	return d.dispatch(dst, &a)
}

// locate says how far ahead of packet high the arrival's sequence number is (serial arithmetic, RFC 1982). One that is
// further behind than any network delays a packet says nothing: the peer has begun to count anew.
func (d *Decrypter) locate(a *arrival) {
	a.ahead = int64(int32(a.seq - d.anchor))
	a.known = a.hasSeq && d.anchored && a.ahead >= -d.mostBehind()
}

func (d *Decrypter) mostBehind() int64 {
	if d.stateless == nil {
		return maxBehind * countSpace
	}
	return maxBehind * (d.stateless.store.history + leastHistory)
}

func (d *Decrypter) dispatch(dst []byte, a *arrival) ([]byte, error) {
	if d.stateless != nil {
		return d.decryptStateless(dst, a)
	}
	return d.decryptStateful(dst, a)
}

// parse takes the MPPE header off and refuses what no key is worth trying on. It counts nothing.
func (d *Decrypter) parse(packet []byte) (arrival, error) {
	if len(packet) <= HeaderSize {
		return arrival{}, ErrTruncated
	}
	header := binary.BigEndian.Uint16(packet)
	if header&bitEncrypted == 0 {
		return arrival{}, ErrNotEncrypted
	}
	a := arrival{count: header & countMask, flushed: header&bitFlushed != 0, body: packet[HeaderSize:]}
	if d.stateless != nil && !a.flushed {
		return arrival{}, ErrNotFlushed
	}
	return a, nil
}

// refuse counts a packet that nothing came out of.
func (d *Decrypter) refuse(err error) {
	switch err {
	case ErrTruncated:
		d.stats.Truncated++
	case ErrNotEncrypted:
		d.stats.NotEncrypted++
	case ErrNotFlushed:
		d.stats.NotFlushed++
	case ErrDuplicate:
		d.stats.Duplicated++
	case ErrLate:
		d.stats.Late++
	case ErrImplausible:
		d.stats.Implausible++
	}
}

// attempt decrypts what arrived with the key of index n and appends it to dst, unless it is not plausible. What a batch
// has decrypted with that key already is only judged.
func (d *Decrypter) attempt(dst []byte, a *arrival, n int64) ([]byte, bool) {
	if t := a.trial; t != nil {
		if t.done && t.n == n {
			return t.judge(d, dst)
		}
		t.undo(d)
	}
	k := d.stateless.store.at(n)
	if d.made = d.stateless.store.reserve.stream(n, len(a.body)); d.made != nil {
		return d.open(&d.made, dst, a.body)
	}
	if d.later != nil {
		return d.later.postpone(d, dst, a.body, k), true
	}
	d.keys.setKey(d.stream, k)
	return d.open(d.stream, dst, a.body)
}

// open decrypts body with the stream as it stands and appends the result to dst, unless the first PlausiblePrefix bytes
// are not plausible: then no more than those was decrypted and everything is as before, except for the stream.
func (d *Decrypter) open(stream cipher.Stream, dst, body []byte) ([]byte, bool) {
	start := len(dst)
	all := slices.Grow(dst, len(body))[:start+len(body)]
	out := all[start:]
	if d.plausible == nil {
		stream.XORKeyStream(out, body)
		return all, true
	}
	var before [PlausiblePrefix]byte
	p := copy(before[:], body)
	stream.XORKeyStream(out[:p], body[:p])
	if !d.plausible(out) {
		copy(out[:p], before[:])
		return dst, false
	}
	stream.XORKeyStream(out[p:], body[p:])
	return all, true
}

// advanceTo makes n the furthest packet, which the arrival a is or belongs to.
func (d *Decrypter) advanceTo(n int64, a *arrival) {
	d.high, d.anchor, d.anchored = n, a.seq, a.hasSeq
}

func (d *Decrypter) countDecrypted(n int) {
	d.stats.Packets++
	d.stats.Bytes += uint64(n)
}

// CatchUp makes at most steps key changes on the way to where the session seems to have gone after an outage, and says
// whether there is more to do. A timer calls it while there is, so that recovery does not have to wait for packets, each
// of which may cost a few changes only. There is nothing to do unless DecryptSeq has returned ErrOutOfRange. What is found
// there must decrypt before anything is believed; in stateful mode it is the next packet with the FLUSHED bit that does.
func (d *Decrypter) CatchUp(steps int) (pending bool) {
	if d.stateless != nil {
		return d.catchUpStateless(steps)
	}
	return d.catchUpStateful(steps)
}

// Reserve gives what Config.Reserve asked for, or nil; some goroutine should call its Fill. With it a packet that does
// not decrypt costs no key set-up either.
func (d *Decrypter) Reserve() *Reserve {
	if d.stateless == nil {
		return nil
	}
	return d.stateless.store.reserve
}

// NeedReset says that stateful mode has lost packets: a CCP Reset-Request should be sent, and again after a while as long
// as this is true. Stateless mode never needs one.
func (d *Decrypter) NeedReset() bool {
	return d.stateful != nil && d.stateful.discarding
}

// Stats gives the counters so far.
func (d *Decrypter) Stats() DecryptStats {
	s := d.stats
	s.Rekeys = d.keys.rekeys
	return s
}
