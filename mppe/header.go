package mppe

// HeaderSize is the length of the MPPE header, in bytes: what Encrypt adds to a packet.
const HeaderSize = 2

// The bits of the MPPE header (RFC 3078 section 3.1).
const (
	bitFlushed   = 0x8000 // A: the tables were initialised before this packet
	bitEncrypted = 0x1000 // D: the packet is encrypted
)

// countSpace is how many values the coherency count has.
const (
	countSpace = 1 << 12
	countMask  = countSpace - 1
)

// isFlag reports whether the packet with that index is one before which stateful mode changes the
// key (RFC 3078 section 7.2).
func isFlag(n int64) bool { return n&0xFF == 0xFF }

// flagsUpTo gives how many of the packets 0 to n are flag packets; n may be -1.
func flagsUpTo(n int64) int64 { return (n + 1) >> 8 }

// nearest gives the one index in [high-half, high+half) whose count that is: half of the counts lie
// behind.
func nearest(high int64, count uint16) int64 {
	low := high - countSpace/2
	return low + (int64(count)-low)&countMask
}

// atMost gives the largest index that is not above top and whose count that is.
func atMost(top int64, count uint16) int64 {
	return top - (top-int64(count))&countMask
}
