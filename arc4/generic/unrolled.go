package generic

import "encoding/binary"

// Unrolled makes eight bytes of key stream a round and XORs them onto the
// buffer as one 64-bit word. Its indices are bytes, so that no step needs a
// mask or a bounds check; its state is 32-bit words, which Intel's processors
// pass from a store to the next load sooner than bytes.
type Unrolled struct {
	s    [256]uint32
	i, j uint8
}

// SetKey starts the key stream of key, which is 1 to 256 bytes long.
func (u *Unrolled) SetKey(key []byte) {
	s := &u.s
	for i := range s {
		s[i] = uint32(i)
	}
	// The key is written out over 256 bytes: then every step finds its key
	// byte at its own index.
	var k [256]uint8
	for n := copy(k[:], key); n < len(k); n *= 2 {
		copy(k[n:], k[:n])
	}
	var j uint8
	for i := 0; i < len(s); i += 4 {
		i := uint8(i)
		x := s[i]
		j += uint8(x) + k[i]
		s[i], s[j] = s[j], x
		x = s[i+1]
		j += uint8(x) + k[i+1]
		s[i+1], s[j] = s[j], x
		x = s[i+2]
		j += uint8(x) + k[i+2]
		s[i+2], s[j] = s[j], x
		x = s[i+3]
		j += uint8(x) + k[i+3]
		s[i+3], s[j] = s[j], x
	}
	u.i, u.j = 0, 0
}

// XORKeyStream sets dst to src XORed with the next len(src) bytes of the key
// stream.
func (u *Unrolled) XORKeyStream(dst, src []byte) {
	s, i, j := &u.s, u.i, u.j
	for len(src) >= 8 {
		var word uint64

		x := s[i+1]
		j += uint8(x)
		y := s[j]
		s[j], s[i+1] = x, y
		word = uint64(s[uint8(x+y)])

		x = s[i+2]
		j += uint8(x)
		y = s[j]
		s[j], s[i+2] = x, y
		word |= uint64(s[uint8(x+y)]) << 8

		x = s[i+3]
		j += uint8(x)
		y = s[j]
		s[j], s[i+3] = x, y
		word |= uint64(s[uint8(x+y)]) << 16

		x = s[i+4]
		j += uint8(x)
		y = s[j]
		s[j], s[i+4] = x, y
		word |= uint64(s[uint8(x+y)]) << 24

		x = s[i+5]
		j += uint8(x)
		y = s[j]
		s[j], s[i+5] = x, y
		word |= uint64(s[uint8(x+y)]) << 32

		x = s[i+6]
		j += uint8(x)
		y = s[j]
		s[j], s[i+6] = x, y
		word |= uint64(s[uint8(x+y)]) << 40

		x = s[i+7]
		j += uint8(x)
		y = s[j]
		s[j], s[i+7] = x, y
		word |= uint64(s[uint8(x+y)]) << 48

		i += 8
		x = s[i]
		j += uint8(x)
		y = s[j]
		s[j], s[i] = x, y
		word |= uint64(s[uint8(x+y)]) << 56

		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src)^word)
		src, dst = src[8:], dst[8:]
	}
	dst = dst[:len(src)]
	for n, in := range src {
		i++
		x := s[i]
		j += uint8(x)
		y := s[j]
		s[j], s[i] = x, y
		dst[n] = in ^ uint8(s[uint8(x+y)])
	}
	u.i, u.j = i, j
}
