// Package keyhash is the hash in MPPE's key chain: SHA-1 (FIPS 180-4) of the one message that RFC
// 3079 section 3.4 hashes for every key, of which only the session key ever changes. Where there is
// assembly, what start key and pads settle is worked out once for a session, and the two blocks are
// hashed without buffering and padding, which a hash of any message needs; elsewhere crypto/sha1
// does it, which is as fast as anything written in Go.
package keyhash

import (
	"crypto/sha1"
	"encoding/binary"
	"fmt"
)

const (
	// Size is how many bytes of the digest are given: no MPPE key is longer.
	Size = 16
	// padLength is the length of both pads in bytes; the first is zeros, the second pad2 repeated.
	padLength = 40
	pad2      = 0xF2
)

// Hasher hashes for one start key. It is not safe for concurrent use.
type Hasher struct {
	// message is two blocks of SHA-1: start key, zeros, session key, pad, and SHA-1's own padding
	// from end on.
	message [2 * sha1.BlockSize]byte
	// length is that of both keys, at where the session key begins, in bytes.
	length, at, end int
	accelerated
}

// New gives the hasher for a start key of 8 bytes (40 and 56 bits) or 16.
func New(start []byte) (*Hasher, error) {
	n := len(start)
	if n != 8 && n != 16 {
		return nil, fmt.Errorf("keyhash: start key of %d bytes: MPPE has keys of 8 and of 16 bytes", n)
	}
	h := &Hasher{length: n, at: n + padLength, end: 2*n + 2*padLength}
	copy(h.message[:], start)
	for i := h.at + n; i < h.end; i++ {
		h.message[i] = pad2
	}
	h.message[h.end] = 0x80
	binary.BigEndian.PutUint64(h.message[len(h.message)-8:], uint64(h.end)*8)
	h.accelerate()
	return h, nil
}

// Wipe overwrites the start key and all that was made of it. What Sum gives afterwards is of no
// use.
func (h *Hasher) Wipe() { *h = Hasher{} }

// Sum puts the first Size bytes of the digest of start key, zeros, session key and pad into sum. Of
// session, the first 8 bytes count where the start key has 8. The two may be the same.
func (h *Hasher) Sum(sum, session *[Size]byte) {
	if usable {
		h.sumAccelerated(sum, session)
		return
	}
	h.sumPortable(sum, session)
}

func (h *Hasher) sumPortable(sum, session *[Size]byte) {
	copy(h.message[h.at:], session[:h.length])
	digest := sha1.Sum(h.message[:h.end])
	copy(sum[:], digest[:])
}
