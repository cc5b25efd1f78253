//go:build !purego

package asm

// perm is one RC4 key stream on a permutation of bytes. What follows it is read
// by the key set-up's look-ahead.
type perm struct {
	s [256]byte
	i uint32
	j uint32
}

// Wipe implements [Stream].
func (p *perm) Wipe() { *p = perm{} }

// setKey starts the key stream of key.
func (p *perm) setKey(key []byte) {
	var spread [256]byte
	first, stride := blocks(key, &spread)
	setKey(&p.s[0], first, stride)
	p.i, p.j = 0, 0
}

// xorBytesSSE41 XORs n bytes, n > 0; the processor has SSE4.1.
//
//go:noescape
func xorBytesSSE41(s *perm, dst, src *byte, n int)

// xorBytesAVX512 XORs n bytes, n > 0; the processor has AVX-512 F, BW and VL.
//
//go:noescape
func xorBytesAVX512(s *perm, dst, src *byte, n int)

// sse41 is a stream for processors with SSE4.1, where PINSRB puts an output byte
// in its place.
type sse41 struct{ perm }

// SetKey implements [Stream].
func (s *sse41) SetKey(key []byte) { s.setKey(key) }

// XORKeyStream implements [Stream].
func (s *sse41) XORKeyStream(dst, src []byte) {
	for len(src) > stretch {
		xorBytesSSE41(&s.perm, &dst[0], &src[0], stretch)
		dst, src = dst[stretch:], src[stretch:]
	}
	xorBytesSSE41(&s.perm, &dst[0], &src[0], len(src))
}

// avx512 is a stream for processors with AVX-512, where a masked broadcast puts
// an output byte in its place, which takes AMD's processors less than PINSRB.
type avx512 struct{ perm }

// SetKey implements [Stream].
func (s *avx512) SetKey(key []byte) { s.setKey(key) }

// XORKeyStream implements [Stream].
func (s *avx512) XORKeyStream(dst, src []byte) {
	for len(src) > stretch {
		xorBytesAVX512(&s.perm, &dst[0], &src[0], stretch)
		dst, src = dst[stretch:], src[stretch:]
	}
	xorBytesAVX512(&s.perm, &dst[0], &src[0], len(src))
}
