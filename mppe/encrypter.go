package mppe

import (
	"crypto/subtle"
	"encoding/binary"
	"slices"

	"github.com/arc4tun/arc4tun/arc4"
)

// Encrypter is the sending half of one direction of a session. It is not safe for concurrent use.
type Encrypter struct {
	keys    *keyChanger
	session key
	// stream is the cipher that packets go through; in stateful mode it lives on from packet to
	// packet.
	stream *arc4.Cipher
	// next is the coherency count of the next packet, counted on beyond 12 bits.
	next       int64
	stateless  bool
	linuxReset bool
	flush      bool
	// queued reports whether a SendBatch has packets of this session.
	queued bool
	// reserve is nil if there is none.
	reserve *Reserve
	stats   EncryptStats
}

// NewEncrypter starts a direction: its first packet has the coherency count 0.
func NewEncrypter(cfg Config) (*Encrypter, error) {
	keys, session, err := newKeyChanger(cfg)
	if err != nil {
		return nil, err
	}
	e := &Encrypter{keys: keys, session: session, stateless: cfg.Stateless, linuxReset: cfg.LinuxReset}
	e.stream = keys.rc4
	if e.reserve, err = newReserve(cfg); err != nil {
		return nil, err
	}
	if !e.stateless {
		if e.stream, err = keys.backend.New(cfg.Key); err != nil {
			return nil, err
		}
		keys.setKey(e.stream, &e.session)
	}
	return e, nil
}

// Encrypt appends the MPPE header and the ciphertext of packet, a PPP protocol field and its
// payload, to dst. It does not allocate when dst has room for HeaderSize + len(packet) more bytes.
// That room may lie so that the ciphertext falls exactly on packet (dst ends HeaderSize bytes
// before it); any other overlap panics or garbles, as for cipher.Stream.
func (e *Encrypter) Encrypt(dst, packet []byte) []byte {
	flushed := e.advance()
	dst, out := e.frame(dst, packet, flushed)
	if e.reserve != nil {
		e.reserve.follow(e.next, &e.session)
		if e.fromReserve(out, packet) {
			return dst
		}
	}
	if e.stateless {
		e.keys.setKey(e.stream, &e.session)
	}
	e.stream.XORKeyStream(out, packet)
	return dst
}

// fromReserve encrypts the packet that frame was called for last if its keystream is there, and
// reports whether it was. What there is for it in the reserve is used up in any case.
func (e *Encrypter) fromReserve(out, packet []byte) (done bool) {
	stream := e.reserve.stream(e.next-1, len(packet))
	if done = stream != nil; done {
		subtle.XORBytes(out, packet, stream)
	}
	e.reserve.passed(e.next)
	e.reserve.note(len(packet))
	return done
}

// frame appends the packet's header and room for its ciphertext to dst, and returns that and the
// room.
func (e *Encrypter) frame(dst, packet []byte, flushed bool) (all, out []byte) {
	start := len(dst)
	dst = slices.Grow(dst, HeaderSize+len(packet))[:start+HeaderSize+len(packet)]
	out = dst[start+HeaderSize:]
	header := bitEncrypted | uint16(e.next&countMask)
	if flushed {
		header |= bitFlushed
	}
	binary.BigEndian.PutUint16(dst[start:], header)
	e.next++
	e.stats.Packets++
	e.stats.Bytes += uint64(len(packet))
	return dst, out
}

// advance brings the session key to the next packet and reports whether the tables start anew with
// it.
func (e *Encrypter) advance() (flushed bool) {
	if e.stateless {
		e.nextKey()
		return true
	}
	change := isFlag(e.next) || e.flush && e.linuxReset
	// A Linux peer refuses a flag packet without the FLUSHED bit, and section 3.1 means it: the
	// tables are new.
	flushed = change || e.flush
	if e.flush {
		e.stats.Resets++
		e.flush = false
	}
	if change {
		e.keys.change(&e.session)
	}
	if flushed {
		e.keys.setKey(e.stream, &e.session)
	}
	return flushed
}

// nextKey brings the session key to the next packet in stateless mode.
func (e *Encrypter) nextKey() {
	if e.reserve == nil {
		e.keys.change(&e.session)
		return
	}
	if !e.reserve.take(e.next, e.keys, &e.session) {
		e.keys.change(&e.session)
	}
}

// Reset answers a CCP Reset-Request (RFC 3078 section 8.2): the next packet starts with new tables
// and the FLUSHED bit. Stateless mode, where every packet does, has nothing to reset.
func (e *Encrypter) Reset() {
	e.flush = !e.stateless
}

// Reserve gives what Config.Reserve asked for, or nil; some goroutine should call its Fill.
func (e *Encrypter) Reserve() *Reserve { return e.reserve }

// Stats gives the counters so far.
func (e *Encrypter) Stats() EncryptStats {
	s := e.stats
	s.Rekeys = e.keys.rekeys
	return s
}
