//go:build !purego && (amd64 || arm || arm64 || mips || mipsle)

package keyhash

import "math/bits"

// settled is how many words of the first block, and rounds of its 80, do not depend on the session
// key, whether it has 8 or 16 bytes.
const settled = 12

// rounds gives SHA-1's state after its first rounds, one for each word, of which there are at most
// 20 (FIPS 180-4 section 6.1.2).
func rounds(words []uint32) [5]uint32 {
	a, b, c, d, e := uint32(0x67452301), uint32(0xEFCDAB89), uint32(0x98BADCFE), uint32(0x10325476), uint32(0xC3D2E1F0)
	for _, w := range words {
		t := bits.RotateLeft32(a, 5) + (b&c | ^b&d) + e + w + 0x5A827999
		a, b, c, d, e = t, a, bits.RotateLeft32(b, 30), c, d
	}
	return [5]uint32{a, b, c, d, e}
}
