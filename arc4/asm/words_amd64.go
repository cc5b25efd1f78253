//go:build !purego

package asm

// words is one RC4 key stream for any x86-64. The permutation is in 32-bit
// words, so that PINSRW, which is in SSE2, fetches an output byte with zeros
// beside it.
type words struct {
	s [256]uint32
	i uint32
	j uint32
}

// xorWords XORs n bytes, n > 0.
//
//go:noescape
func xorWords(s *words, dst, src *byte, n int)

// SetKey makes the permutation as bytes, which are sooner initialised and on
// which the set-up is faster, and then widens them.
func (s *words) SetKey(key []byte) {
	var spread [256]byte
	var narrow [256 + overread]byte
	first, stride := blocks(key, &spread)
	setKey(&narrow[0], first, stride)
	widen(&s.s, &narrow[0])
	s.i, s.j = 0, 0
}

// Wipe implements [Stream].
func (s *words) Wipe() { *s = words{} }

// XORKeyStream implements [Stream].
func (s *words) XORKeyStream(dst, src []byte) {
	for len(src) > stretch {
		xorWords(s, &dst[0], &src[0], stretch)
		dst, src = dst[stretch:], src[stretch:]
	}
	xorWords(s, &dst[0], &src[0], len(src))
}
