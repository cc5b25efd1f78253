// Package arc4 is RC4 as a set of interchangeable backends behind one API,
// from the textbook one to hand-written assembly. The fastest backends for the
// machine at hand are found by measuring, once for each kind of work, on first
// use; the environment variable ARC4_BACKEND names others.
//
// RC4 is broken and is here for the protocols that still carry it. Build with
// the tag purego to leave out all assembly.
package arc4

import (
	"crypto/cipher"
	"strconv"
)

// maxKeySize is the length in bytes of the longest key RC4 takes; the shortest
// has one byte.
const maxKeySize = 256

// KeySizeError is the length in bytes of a key that RC4 cannot take.
type KeySizeError int

func (e KeySizeError) Error() string {
	return "arc4: invalid key size " + strconv.Itoa(int(e)) + ", a key has 1 to 256 bytes"
}

func checkKey(key []byte) error {
	if len(key) < 1 || len(key) > maxKeySize {
		return KeySizeError(len(key))
	}
	return nil
}

// stream is what an implementation provides. It may rely on the key having 1
// to 256 bytes, and on dst and src being equally long, not empty, and
// overlapping entirely or not at all.
type stream interface {
	SetKey(key []byte)
	XORKeyStream(dst, src []byte)
	// Wipe overwrites the permutation. Nothing but SetKey may follow.
	Wipe()
}

// Cipher is one RC4 key stream. It is not safe for concurrent use; different
// Ciphers are independent of each other. A Cipher comes from [New] or
// [Backend.New]; the zero value has no key and panics when used.
type Cipher struct {
	stream stream
}

var _ cipher.Stream = (*Cipher)(nil)

// New returns a Cipher for key, 1 to 256 bytes, on the backend selected for
// [Stream] (see [Selected]). The error is a [KeySizeError], or says why no
// backend could be selected.
func New(key []byte) (*Cipher, error) {
	c := selected().choose(Stream)
	if c.err != nil {
		return nil, c.err
	}
	return c.backend.New(key)
}

// SetKey starts the key stream of another key, 1 to 256 bytes, in place and
// without allocating. On error, a [KeySizeError], the old key stream goes on.
func (c *Cipher) SetKey(key []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	c.stream.SetKey(key)
	return nil
}

// XORKeyStream sets dst[:len(src)] to src XORed with the next len(src) bytes
// of the key stream. Like crypto/rc4 it panics if dst is shorter than src, or
// if the two overlap in any way other than starting at the same byte.
func (c *Cipher) XORKeyStream(dst, src []byte) {
	if len(src) == 0 {
		return
	}
	c.stream.XORKeyStream(checkBuffers(dst, src), src)
}
