package arc4_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/arc4"
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

// TestPageEnds puts keys and buffers at both ends of their pages.
func TestPageEnds(t *testing.T) {
	keyPage, dstPage, srcPage := guarded(t), guarded(t), guarded(t)
	last := len(srcPage)
	for n := range srcPage {
		srcPage[n], keyPage[n] = byte(n*7), byte(n*13)
	}
	check := func(t *testing.T, c *arc4.Cipher, key, dst, src []byte) {
		require.NoError(t, c.SetKey(key))
		c.XORKeyStream(dst, src)
		require.Equal(t, wanted(t, key, src), dst, "%d bytes of key, %d of data", len(key), len(src))
	}
	for _, b := range arc4.Backends() {
		t.Run(b.Name(), func(t *testing.T) {
			c := newCipher(t, b, []byte("Key"))
			for n := 1; n <= arc4.MaxKeySize; n++ {
				check(t, c, keyPage[:n], dstPage[:n], srcPage[:n])
				check(t, c, keyPage[last-n:], dstPage[last-n:], srcPage[last-n:])
				check(t, c, keyPage[:n], dstPage[last-n:], srcPage[:n])
				check(t, c, keyPage[last-n:], dstPage[:n], srcPage[last-n:])
			}
		})
	}
}
