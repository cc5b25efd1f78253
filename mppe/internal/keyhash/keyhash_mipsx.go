//go:build !purego && (mips || mipsle)

package keyhash

import (
	"encoding/binary"

	"github.com/arc4tun/arc4tun/internal/mipscpu"
)

var (
	// usable reports whether the assembly can run: revision 6 has no lwl and lwr.
	usable = mipscpu.Here().Revision != 6
	// rotates reports whether the processor has rotr and wsbh.
	rotates = usable && mipscpu.Here().Revision >= 2
)

// accelerated is the message as the assembly reads it, as numbers. Its layout is in sum_mipsx.h.
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

func (h *Hasher) sumAccelerated(sum, session *[Size]byte) {
	if rotates {
		sumR2(&h.accelerated, sum, session)
	} else {
		sumR1(&h.accelerated, sum, session)
	}
}

// sumR1 and sumR2 hash the two blocks of a with the session key, which they put into its place, and
// put the digest's first 16 bytes into sum.
//
//go:noescape
func sumR1(a *accelerated, sum, session *[Size]byte)

//go:noescape
func sumR2(a *accelerated, sum, session *[Size]byte)
