//go:build !purego

package asm

import (
	"bytes"
	"crypto/rc4"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryAlignmentAndIndex has every place of dst and src in a word meet every
// place of i in a block, before and after the permutation wraps.
func TestEveryAlignmentAndIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	random := func(n int) []byte {
		b := make([]byte, n)
		for k := range b {
			b[k] = byte(r.Uint32())
		}
		return b
	}
	own := new(words)
	for first := range 34 {
		for d := range 4 {
			for s := range 4 {
				length := 200 + r.IntN(100)
				key, src, dst := random(16), random(s+length+8), random(d+length+8)
				want := bytes.Clone(dst)
				standard, err := rc4.NewCipher(key)
				require.NoError(t, err)
				skip := make([]byte, 230+first)
				standard.XORKeyStream(skip, skip)
				standard.XORKeyStream(want[d:d+length], src[s:s+length])

				own.SetKey(key)
				own.XORKeyStream(skip, skip)
				own.XORKeyStream(dst[d:d+length], src[s:s+length])
				require.Equal(t, want, dst, "dst+%d, src+%d, %d bytes from byte %d", d, s, length, len(skip))
			}
		}
	}
}
