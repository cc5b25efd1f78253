//go:build !purego

package asm

func backends() []Backend {
	return []Backend{{Name: "mipsle", NewStream: func() Stream { return new(State) }}}
}

// State is one RC4 key stream. The permutation comes first because the key
// set-up initialises it by words and reads, but does not use, one byte past it.
type State struct {
	s [256]byte
	i uint32
	j uint32
}

// setKey runs the key set-up; key points to 16 bytes for the first 16 steps,
// key+stride to those for the next, and so on.
//
//go:noescape
func setKey(perm *[256]byte, key *byte, stride int)

// xorKeyStream XORs n bytes, n > 0.
//
//go:noescape
func xorKeyStream(s *State, dst, src *byte, n int)
