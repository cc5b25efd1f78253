package mppe

import (
	"encoding/binary"
	"slices"
)

// Packet is one received packet in a ReceiveBatch: what came, and what has become of it. It can be
// used again and again.
type Packet struct {
	// Data is an MPPE header and ciphertext (RFC 3078 section 3), Seq the sequence number of the
	// GRE packet that it came in.
	Data []byte
	Seq  uint32
	// Dst is what the plain text is appended to, a PPP protocol field and its payload. Its room may
	// lie exactly on the ciphertext (Dst is Data[HeaderSize:HeaderSize]), or apart from it.
	Dst []byte
	// Err is nil afterwards, or one of this package's errors: then Dst has the length that it had,
	// and Data is as it was.
	Err error

	// count and flushed are what the header says: the coherency count and bit A.
	count   uint16
	flushed bool
	// tried reports whether a ReceiveBatch has decrypted the packet before its turn, into its room,
	// with the key of index n, which lies at key in the batch.
	tried bool
	n     int64
	key   *key
}

// parse reads the header and gives the error of a packet that no key is worth trying on.
func (p *Packet) parse(stateless bool) error {
	if len(p.Data) <= HeaderSize {
		return ErrTruncated
	}
	header := binary.BigEndian.Uint16(p.Data)
	if header&bitEncrypted == 0 {
		return ErrNotEncrypted
	}
	p.count, p.flushed, p.tried = header&countMask, header&bitFlushed != 0, false
	if stateless && !p.flushed {
		return ErrNotFlushed
	}
	return nil
}

// body gives the ciphertext.
func (p *Packet) body() []byte { return p.Data[HeaderSize:] }

// room gives the place behind Dst where the plain text is to be written. It makes one where there
// is none.
func (p *Packet) room() []byte {
	n := len(p.Data) - HeaderSize
	p.Dst = slices.Grow(p.Dst, n)
	return p.Dst[len(p.Dst) : len(p.Dst)+n]
}

// undo makes ciphertext again of what was decrypted before its turn in the place of the ciphertext.
func (p *Packet) undo(d *Decrypter) {
	if !p.tried {
		return
	}
	p.tried = false
	if out := p.room(); &out[0] == &p.Data[HeaderSize] {
		d.keys.setKey(d.stream, p.key)
		d.stream.XORKeyStream(out, out)
	}
}
