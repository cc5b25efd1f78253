//go:build !purego

package asm

// setKeyAhead is setKey for processors that run instructions out of order.
//
//go:noescape
func setKeyAhead(perm *[256]byte, key *byte, stride int)

// xorBytesAhead is xorBytes for processors that run instructions out of order.
//
//go:noescape
func xorBytesAhead(s *perm, dst, src *byte, n int)

// ahead is a stream that loads S[i] for several steps at a time.
type ahead struct{ perm }

// SetKey implements [Stream].
func (a *ahead) SetKey(key []byte) {
	var spread [256]byte
	first, stride := blocks(key, &spread)
	setKeyAhead(&a.s, first, stride)
	a.i, a.j = 0, 0
}

// XORKeyStream implements [Stream].
func (a *ahead) XORKeyStream(dst, src []byte) {
	for len(src) > stretch {
		xorBytesAhead(&a.perm, &dst[0], &src[0], stretch)
		dst, src = dst[stretch:], src[stretch:]
	}
	xorBytesAhead(&a.perm, &dst[0], &src[0], len(src))
}
