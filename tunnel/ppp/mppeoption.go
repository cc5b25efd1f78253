package ppp

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// CCP option 18 carries MPPE's supported bits in four bytes (RFC 3078 section 2).
const (
	ccpOptMPPE = 18

	mppeStateless uint32 = 0x01000000 // H
	mppe56        uint32 = 0x00000080 // M
	mppe128       uint32 = 0x00000040 // S
	mppe40        uint32 = 0x00000020 // L
	mppeObsolete  uint32 = 0x00000010 // D
	mppeMPPC      uint32 = 0x00000001 // C

	mppeStrengths = mppe128 | mppe56 | mppe40
)

// strengthBit is the supported bit of a strength in bits, 0 if there is none.
func strengthBit(strength int) uint32 {
	switch strength {
	case 128:
		return mppe128
	case 56:
		return mppe56
	case 40:
		return mppe40
	}
	return 0
}

// strongest keeps the strongest strength of bits alone (RFC 3078 section 2.1).
func strongest(bits uint32) uint32 {
	for _, b := range []uint32{mppe128, mppe56, mppe40} {
		if bits&b != 0 {
			return b
		}
	}
	return 0
}

// strengthOf is the strength, in bits, of the strongest bit set, 0 if none is.
func strengthOf(bits uint32) int {
	switch strongest(bits) {
	case mppe128:
		return 128
	case mppe56:
		return 56
	case mppe40:
		return 40
	}
	return 0
}

// appendMPPE appends option 18 with the given bits.
func appendMPPE(dst []byte, bits uint32) []byte {
	var v [4]byte
	binary.BigEndian.PutUint32(v[:], bits)
	return appendOption(dst, ccpOptMPPE, v[:])
}

// mppeBitsString names the bits for a message.
func mppeBitsString(bits uint32) string {
	var words []string
	for _, s := range []int{128, 56, 40} {
		if bits&strengthBit(s) != 0 {
			words = append(words, fmt.Sprintf("%d-bit", s))
		}
	}
	if len(words) == 0 {
		words = append(words, "no strength")
	}
	if bits&mppeStateless != 0 {
		words = append(words, "stateless")
	} else {
		words = append(words, "stateful")
	}
	if bits&mppeMPPC != 0 {
		words = append(words, "with MPPC")
	}
	return strings.Join(words, " ")
}
