package generic

// U32 keeps its state in 32-bit words: many processors store and load a whole
// word sooner than a byte, and the permutation needs no widening. A call works
// through its buffer on local copies of both indices, which stay in registers.
type U32 struct {
	s    [256]uint32
	i, j uint8
}

// SetKey starts the key stream of key, which is 1 to 256 bytes long.
func (u *U32) SetKey(key []byte) {
	s := &u.s
	// The key is written out over 256 bytes: to go back to its start takes a
	// third of every step otherwise, and a division for i%len(key) far more.
	var k [256]uint8
	for n := copy(k[:], key); n < len(k); n *= 2 {
		copy(k[n:], k[:n])
	}
	for i := range s {
		s[i] = uint32(i)
	}
	var j uint8
	for i := range s {
		x := s[i]
		j += uint8(x) + k[i]
		s[i], s[j] = s[j], x
	}
	u.i, u.j = 0, 0
}

// Wipe overwrites the permutation. Nothing but SetKey may follow.
func (u *U32) Wipe() { *u = U32{} }

// XORKeyStream sets dst to src XORed with the next len(src) bytes of the key
// stream.
func (u *U32) XORKeyStream(dst, src []byte) {
	s, i, j := &u.s, u.i, u.j
	dst = dst[:len(src)] // one check here, none in the loop
	for n, in := range src {
		i++
		x := s[i]
		j += uint8(x)
		y := s[j]
		s[i], s[j] = y, x
		dst[n] = in ^ uint8(s[uint8(x+y)])
	}
	u.i, u.j = i, j
}
