//go:build !purego

package asm

import (
	"crypto/rc4"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// guarded returns a page of memory between two that nothing may touch: a read
// or write outside of it ends the test with a fault.
func guarded(t *testing.T) []byte {
	t.Helper()
	page := os.Getpagesize()
	area, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.Munmap(area)) })
	require.NoError(t, unix.Mprotect(area[:page], unix.PROT_NONE))
	require.NoError(t, unix.Mprotect(area[2*page:], unix.PROT_NONE))
	return area[page : 2*page : 2*page]
}

// TestLanesPageEnds puts keys and buffers at both ends of their pages.
func TestLanesPageEnds(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	var keyPages, dstPages, srcPages [width][]byte
	for l := range width {
		keyPages[l], dstPages[l], srcPages[l] = guarded(t), guarded(t), guarded(t)
		copy(keyPages[l], random(r, len(keyPages[l])))
		copy(srcPages[l], random(r, len(srcPages[l])))
	}
	last := len(srcPages[0])
	q := newQuad(setKeyAhead, xorBytesAhead)
	for n := 1; n <= width; n++ {
		for _, length := range []int{1, 5, 8, 13, 16, 17, 255, 256} {
			for _, blocks := range []int{1, 2, 15, 16, 17} {
				size := blocks * keyBlock
				for _, atEnd := range []bool{false, true} {
					var keys, dst, src [][]byte
					for l := range n {
						k, d, s := keyPages[l][:length], dstPages[l][:size], srcPages[l][:size]
						if atEnd {
							k, d, s = keyPages[l][last-length:], dstPages[l][last-size:], srcPages[l][last-size:]
						}
						keys, dst, src = append(keys, k), append(dst, d), append(src, s)
					}
					q.SetKeys(keys)
					for l := range n {
						q.Start(l, l)
					}
					q.XORBlocks(dst, src, blocks)
					for l := range n {
						c, err := rc4.NewCipher(keys[l])
						require.NoError(t, err)
						want := make([]byte, size)
						c.XORKeyStream(want, src[l])
						require.Equal(t, want, dst[l], "lane %d of %d, %d bytes of key, %d blocks", l, n, length, blocks)
					}
				}
			}
		}
	}
}
