//go:build !purego

package asm

func backends() []Backend {
	return []Backend{{Name: "arm", NewStream: func() Stream { return new(words) }}}
}

// words is one RC4 key stream. Entries of the permutation, i and j are in the
// upper eight bits of words whose other bits are 0. What follows the permutation
// is read by the assembly, which loads S[i+1] early, but not used.
type words struct {
	s [256]uint32
	i uint32
	j uint32
}

// setKey runs the key set-up; key points to 16 bytes for the first 16 steps,
// key+stride to those for the next, and so on.
//
//go:noescape
func setKey(perm *[256]uint32, key *byte, stride int)

// xorBytes XORs n bytes, n > 0.
//
//go:noescape
func xorBytes(s *words, dst, src *byte, n int)

// SetKey implements [Stream].
func (w *words) SetKey(key []byte) {
	w.i, w.j = 0, 0
	if len(key) == keyBlock {
		setKey(&w.s, &key[0], 0)
		return
	}
	w.setOtherKey(key)
}

// setOtherKey is by itself so that calls with keys of a block need not clear
// what it has on the stack.
//
//go:noinline
func (w *words) setOtherKey(key []byte) {
	var spread struct {
		_ [0]uint32 // aligned, it is cleared by words
		b [256]byte
	}
	first, stride := blocks(key, &spread.b)
	setKey(&w.s, first, stride)
}

// Wipe implements [Stream].
func (w *words) Wipe() { *w = words{} }

// XORKeyStream implements [Stream].
func (w *words) XORKeyStream(dst, src []byte) {
	for len(src) > stretch {
		xorBytes(w, &dst[0], &src[0], stretch)
		dst, src = dst[stretch:], src[stretch:]
	}
	xorBytes(w, &dst[0], &src[0], len(src))
}
