package ippkt

// Sum adds the 16-bit words of b to a one's complement sum (RFC 1071); an odd byte at the end is
// the upper half of a word. b must be shorter than 128 KiB.
func Sum(s uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

// Fold brings a sum to 16 bits. The checksum is its complement; over a header that holds its right
// checksum the sum is 0xFFFF.
func Fold(s uint32) uint16 {
	for s>>16 != 0 {
		s = s&0xFFFF + s>>16
	}
	return uint16(s)
}
