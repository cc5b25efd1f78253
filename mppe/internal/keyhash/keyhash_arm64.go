//go:build !purego

package keyhash

import "golang.org/x/sys/cpu"

// usable is true: sumPlain needs nothing that a processor may lack.
const usable = true

// hasSHA1 reports whether the processor has instructions for SHA-1.
var hasSHA1 = cpu.ARM64.HasSHA1

func (h *Hasher) sumAccelerated(sum, session *[Size]byte) {
	if hasSHA1 {
		sumSHA1(&h.accelerated, sum, session)
	} else {
		sumPlain(&h.accelerated, sum, session)
	}
}

// sumPlain and sumSHA1 hash the two blocks of a with the session key, which they put into its
// place, and put the digest's first 16 bytes into sum.
//
//go:noescape
func sumPlain(a *accelerated, sum, session *[Size]byte)

//go:noescape
func sumSHA1(a *accelerated, sum, session *[Size]byte)
