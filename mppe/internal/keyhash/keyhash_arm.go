//go:build !purego

package keyhash

// usable is true: the assembly needs no more than ARMv5.
const usable = true

func (h *Hasher) sumAccelerated(sum, session *[Size]byte) { sum2(&h.accelerated, sum, session) }

// sum2 hashes the two blocks of a with the session key, which it puts into its place, and puts the
// digest's first 16 bytes into sum.
//
//go:noescape
func sum2(a *accelerated, sum, session *[Size]byte)
