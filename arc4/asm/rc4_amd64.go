//go:build !purego

package asm

func backends() []Backend {
	return []Backend{{Name: "amd64", NewStream: func() Stream { return new(State) }}}
}

// State is one RC4 key stream. The permutation is in 32-bit words, so that
// PINSRW, which is in SSE2 and therefore in every x86-64, fetches an output
// byte with zeros beside it.
type State struct {
	s [256]uint32
	i uint32
	j uint32
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
