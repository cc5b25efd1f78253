//go:build !purego

package asm

func backends() []Backend {
	return []Backend{
		{
			Name:      "arm64",
			NewStream: func() Stream { return new(plain) },
			NewLanes:  func() Lanes { return newQuad(setKey, xorBytes) },
		},
		{
			Name:      "arm64-ahead",
			NewStream: func() Stream { return new(ahead) },
			NewLanes:  func() Lanes { return newQuad(setKeyAhead, xorBytesAhead) },
		},
	}
}

// perm is one RC4 key stream on a permutation of bytes. What follows it is read
// by the assembly, which loads S[i+1] early, but not used.
type perm struct {
	s [256]byte
	i uint32
	j uint32
}

// setKey runs the key set-up; key points to 16 bytes for the first 16 steps,
// key+stride to those for the next, and so on.
//
//go:noescape
func setKey(perm *[256]byte, key *byte, stride int)

// xorBytes XORs n bytes, n > 0.
//
//go:noescape
func xorBytes(s *perm, dst, src *byte, n int)

// plain is a stream in as few instructions as there is a way to.
type plain struct{ perm }

// SetKey implements [Stream].
func (p *plain) SetKey(key []byte) {
	var spread [256]byte
	first, stride := blocks(key, &spread)
	setKey(&p.s, first, stride)
	p.i, p.j = 0, 0
}

// Wipe implements [Stream].
func (p *perm) Wipe() { *p = perm{} }

// XORKeyStream implements [Stream].
func (p *plain) XORKeyStream(dst, src []byte) {
	for len(src) > stretch {
		xorBytes(&p.perm, &dst[0], &src[0], stretch)
		dst, src = dst[stretch:], src[stretch:]
	}
	xorBytes(&p.perm, &dst[0], &src[0], len(src))
}
