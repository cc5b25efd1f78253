// Package usleep tells how well the Go runtime sleeps that this program was built with. On MIPS its
// usleep, by which threads of the runtime pause, is wrong up to and including Go 1.26: what should
// sleep for 10 ms sleeps for 10 µs. tools/build mends it; doc/go-mips-usleep.md says what it is.
package usleep

import "slices"

// State is what is known of the runtime's usleep.
type State int

const (
	// Elsewhere is any machine but Linux on MIPS, where usleep never had the fault.
	Elsewhere State = iota
	// Faulty is a usleep that sleeps for a thousandth of what it is told.
	Faulty
	// Right is one without the fault.
	Right
)

// Instructions of MIPS, by what is the same in them whatever the registers are.
const (
	systemCall = 0x0000000c

	operation  = 0xfc00003f // opcode and function
	multiply   = 0x00000019 // multu
	multiply64 = 0x0000001d // dmultu
	moveLow    = 0x00000012 // mflo
	subtract   = 0x00000023 // subu
	subtract64 = 0x0000002f // dsubu

	constant     = 0xffe0ffff // opcode, a source that is zero, and the number
	thousand     = 0x240003e8 // addiu rt, zero, 1000
	thousand64   = 0x640003e8 // daddiu
	orOfThousand = 0x340003e8 // ori
)

// isFaulty reports whether the code has the fault: of the microseconds it takes off a thousand for
// each second, where a million is right.
func isFaulty(code []uint32) bool {
	for n := 0; n+4 <= len(code) && code[n] != systemCall; n++ {
		if isOneOf(code[n]&constant, thousand, thousand64, orOfThousand) &&
			isOneOf(code[n+1]&operation, multiply, multiply64) &&
			code[n+2]&operation == moveLow &&
			isOneOf(code[n+3]&operation, subtract, subtract64) {
			return true
		}
	}
	return false
}

func isOneOf(word uint32, words ...uint32) bool { return slices.Contains(words, word) }
