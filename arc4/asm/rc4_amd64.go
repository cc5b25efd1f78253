//go:build !purego

package asm

// Arch names the architecture whose assembly was built in.
const Arch = "amd64"

// State is one RC4 key stream. The permutation is in 32-bit words, so that
// PINSRW, which is in SSE2 and therefore in every x86-64, fetches an output
// byte with zeros beside it.
type State struct {
	s [256]uint32
	i uint32
	j uint32
}

// SetKey starts the key stream of key, which is 1 to 256 bytes long.
func (s *State) SetKey(key []byte) {
	var spread [256]byte
	first, stride := blocks(key, &spread)
	setKey(&s.s, first, stride)
	s.i, s.j = 0, 0
}

// XORKeyStream sets dst to src XORed with the next len(src) bytes of the key
// stream. Neither may be empty.
func (s *State) XORKeyStream(dst, src []byte) {
	xorKeyStream(s, &dst[0], &src[0], len(src))
}

// setKey runs the key set-up; key points to 16 bytes for the first 16 steps,
// key+stride to those for the next, and so on.
//
//go:noescape
func setKey(perm *[256]uint32, key *byte, stride int)

// xorKeyStream XORs n bytes, n > 0.
//
//go:noescape
func xorKeyStream(s *State, dst, src *byte, n int)
