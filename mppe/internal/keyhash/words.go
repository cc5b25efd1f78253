//go:build !purego && (arm || arm64 || mips || mipsle)

package keyhash

import "encoding/binary"

// accelerated is the message as the assembly reads it, as numbers. Its layout is known there, too.
type accelerated struct {
	// working is the first block's state after the settled rounds.
	working [5]uint32
	words   [32]uint32
	// at is where in accelerated the session key belongs, in bytes, and long is 1 if that has 16
	// bytes.
	at, long uint32
}

// accelerate fills in what the assembly reads.
func (h *Hasher) accelerate() {
	a := &h.accelerated
	for i := range a.words {
		a.words[i] = binary.BigEndian.Uint32(h.message[4*i:])
	}
	a.working = rounds(a.words[:settled])
	a.at = uint32(4*len(a.working) + h.at)
	if h.length == Size {
		a.long = 1
	}
}
