// Package serial compares the sequence numbers of a stream that wraps around (RFC 1982).
package serial

// Diff is how far a lies ahead of b, negative if it lies behind: 0 comes 1 after 2^32-1. Numbers
// that lie 2^31 apart have no order (RFC 1982 section 3.2); Diff takes a for the earlier one.
func Diff(a, b uint32) int32 { return int32(a - b) }
