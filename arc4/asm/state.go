//go:build !purego && mipsle

package asm

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
	for len(src) > stretch {
		xorKeyStream(s, &dst[0], &src[0], stretch)
		dst, src = dst[stretch:], src[stretch:]
	}
	xorKeyStream(s, &dst[0], &src[0], len(src))
}
