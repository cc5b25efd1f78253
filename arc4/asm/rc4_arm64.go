//go:build !purego

package asm

func backends() []Backend {
	return []Backend{
		{
			Name:      "arm64",
			NewStream: func() Stream { return new(plain) },
			NewLanes:  newQuad,
		},
		{
			Name:      "arm64-ahead",
			NewStream: func() Stream { return new(ahead) },
			NewLanes:  newQuad,
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

// setKey starts a key stream; key points to 16 bytes for the first 16 steps,
// key+stride to those for the next, and so on.
//
//go:noescape
func setKey(s *perm, key *byte, stride int)

// xorBytes XORs n bytes, n > 0.
//
//go:noescape
func xorBytes(s *perm, dst, src *byte, n int)

// plain is a stream in as few instructions as there is a way to.
type plain struct{ perm }

// SetKey implements [Stream].
func (p *plain) SetKey(key []byte) { setKeyOf(&p.perm, key) }

// setKeyOf starts the key stream of key.
func setKeyOf(s *perm, key []byte) {
	var spread [256]byte
	first, stride := blocks(key, &spread)
	setKey(s, first, stride)
}

// XORKeyStream implements [Stream].
func (p *plain) XORKeyStream(dst, src []byte) {
	for len(src) > stretch {
		xorBytes(&p.perm, &dst[0], &src[0], stretch)
		dst, src = dst[stretch:], src[stretch:]
	}
	xorBytes(&p.perm, &dst[0], &src[0], len(src))
}
