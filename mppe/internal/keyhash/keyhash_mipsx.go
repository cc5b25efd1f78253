//go:build !purego && (mips || mipsle)

package keyhash

import "github.com/arc4tun/arc4tun/internal/mipscpu"

var (
	// usable reports whether the assembly can run: revision 6 has no lwl and lwr.
	usable = mipscpu.Here().Revision != 6
	// rotates reports whether the processor has rotr and wsbh.
	rotates = usable && mipscpu.Here().Revision >= 2
)

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
