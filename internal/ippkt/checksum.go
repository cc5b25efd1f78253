package ippkt

import (
	"encoding/binary"
	"unsafe"
)

// Sum adds the 16-bit words of b to a one's complement sum (RFC 1071); an odd byte at the end is
// the upper half of a word. b must be shorter than 128 KiB.
func Sum(s uint32, b []byte) uint32 {
	if words := len(b) / 4; words >= manyWords && uintptr(unsafe.Pointer(&b[0]))%4 == 0 {
		high, low := sumWords(&b[0], words)
		// Words of any byte order can be added, if the result is read in the same order (RFC 1071
		// section 2 (B)).
		native := Fold(high>>16 + high&0xFFFF + low>>16 + low&0xFFFF)
		s = s>>16 + s&0xFFFF + uint32(inNetworkOrder(native))
		b = b[4*words:]
	}
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

// manyWords is from how many words on they are added as words.
const manyWords = 8

// inNetworkOrder is the value of two bytes in network order that a processor has loaded in its own.
func inNetworkOrder(v uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], v)
	return binary.BigEndian.Uint16(b[:])
}

// Fold brings a sum to 16 bits. The checksum is its complement; over a header that holds its right
// checksum the sum is 0xFFFF.
func Fold(s uint32) uint16 {
	for s>>16 != 0 {
		s = s&0xFFFF + s>>16
	}
	return uint16(s)
}
