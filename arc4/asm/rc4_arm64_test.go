//go:build !purego

package asm

import (
	"crypto/rc4"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStreams cuts streams into calls of any length: short ones have each
// backend begin its blocks at every place, long ones meet every collision that
// those that load ahead have to look after.
func TestStreams(t *testing.T) {
	for _, b := range Backends() {
		t.Run(b.Name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 1))
			s := b.NewStream()
			for range 100 {
				key, src := randomKey(r), random(r, 6000)
				standard, err := rc4.NewCipher(key)
				require.NoError(t, err)
				want, got := make([]byte, len(src)), make([]byte, len(src))
				standard.XORKeyStream(want, src)
				s.SetKey(key)
				longest := 1 + r.IntN(1<<r.IntN(12))
				for at := 0; at < len(src); {
					n := min(1+r.IntN(longest), len(src)-at)
					s.XORKeyStream(got[at:at+n], src[at:at+n])
					at += n
				}
				require.Equal(t, want, got, "key %x, calls of up to %d bytes", key, longest)
			}
		})
	}
}
