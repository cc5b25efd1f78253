//go:build !purego

package keyhash

import (
	"encoding/binary"

	"golang.org/x/sys/cpu"
)

// usable reports whether the processor has the SHA extensions, and what else the assembly uses.
var usable = cpu.X86.HasSSSE3 && hasSHA()

// accelerated is the message in the order in which the SHA extensions want it: four words a vector,
// the first in the highest place.
type accelerated struct {
	// working is the first block's state after the settled rounds, without the fifth word, before
	// that of four rounds earlier, from which the instruction makes the fifth.
	working, before [4]uint32
	// schedule is the words 16 to 23 as far as the settled words make them, then the words 8 to 11.
	schedule [3][4]uint32
	// rest is the words 12 to 31 with zeros in place of the session key.
	rest [5][4]uint32
	// first and second put the session key into the vectors of the words 12 to 15 and 16 to 19
	// (PSHUFB masks).
	first, second [16]byte
}

// accelerate fills in what the assembly reads.
func (h *Hasher) accelerate() {
	a := &h.accelerated
	var w [2 * 16]uint32
	for i := range w {
		w[i] = binary.BigEndian.Uint32(h.message[4*i:])
	}
	before, working := rounds(w[:settled-4]), rounds(w[:settled])
	a.before, a.working = vector(before[:]), vector(working[:])
	var begun [8]uint32
	for i := range begun {
		begun[i] = w[i] ^ w[i+2]
		if i < 4 {
			begun[i] ^= w[i+8]
		}
	}
	a.schedule = [3][4]uint32{vector(begun[:]), vector(begun[4:]), vector(w[8:])}
	for i := range a.rest {
		a.rest[i] = vector(w[settled+4*i:])
	}
	a.first = place(h.at-4*settled, h.length)
	a.second = place(h.at-4*settled-16, h.length)
}

// vector gives the first four words in the order of the SHA extensions.
func vector(w []uint32) [4]uint32 { return [4]uint32{w[3], w[2], w[1], w[0]} }

// place makes the mask for the part of a key of length bytes that falls into a vector, if the key
// begins at byte at of the vector, or before it.
func place(at, length int) (mask [16]byte) {
	for i := range mask {
		from := i - at
		if from < 0 || from >= length {
			from = 0x80 // gives zero
		}
		mask[15-i] = byte(from)
	}
	return mask
}

func (h *Hasher) sumAccelerated(sum, session *[Size]byte) { sum2(&h.accelerated, sum, session) }

// hasSHA asks the processor (CPUID) for the SHA extensions.
func hasSHA() bool

// sum2 hashes the two blocks of a with the session key in its place and puts the digest's first 16
// bytes into sum.
//
//go:noescape
func sum2(a *accelerated, sum, session *[Size]byte)
