package mschap

import (
	"crypto/des"
	"fmt"
	"math/bits"
)

// expandKey spreads 56 bits over eight bytes and sets the lowest bit of each so
// that its number of ones is odd (RFC 2759 sections 8.6 and 9.3).
func expandKey(raw [7]byte) [8]byte {
	var all uint64
	for _, b := range raw {
		all = all<<8 | uint64(b)
	}
	var key [8]byte
	for i := range key {
		b := byte(all>>(49-7*i)) << 1
		if bits.OnesCount8(b)%2 == 0 {
			b |= 1
		}
		key[i] = b
	}
	return key
}

// Available is nil unless the runtime forbids DES, as one restricted to FIPS 140
// algorithms does; MS-CHAPv2 then cannot be spoken.
func Available() error {
	if _, err := des.NewCipher(make([]byte, des.BlockSize)); err != nil {
		return fmt.Errorf("mschap: MS-CHAPv2 needs DES, which this runtime forbids (GODEBUG fips140): %w", err)
	}
	return nil
}

// desEncrypt is one DES block in ECB mode (RFC 2759 section 8.6).
func desEncrypt(clear [8]byte, raw [7]byte) [8]byte {
	key := expandKey(raw)
	block, err := des.NewCipher(key[:])
	if err != nil {
		// Only where Available says so, and callers ask it first.
		panic(fmt.Sprintf("mschap: DES is not available: %v", err))
	}
	var out [8]byte
	block.Encrypt(out[:], clear[:])
	return out
}
