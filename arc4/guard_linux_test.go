package arc4_test

import (
	"fmt"
	"math/rand/v2"
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

// edge cuts n bytes from the start or the end of a page.
func edge(page []byte, n int, atEnd bool) []byte {
	if atEnd {
		return page[len(page)-n:]
	}
	return page[:n:n]
}

// TestPageEndsInBatches puts each job's key and buffers at an end of a page of
// their own. Keys cannot be written to, nor can the input of jobs that do not
// work in place.
func TestPageEndsInBatches(t *testing.T) {
	const most = 20
	r := rand.New(rand.NewPCG(1, 2))
	var keys, dsts, srcs [most][]byte
	for n := range most {
		keys[n], dsts[n], srcs[n] = guarded(t), guarded(t), guarded(t)
		copy(keys[n], randomBytes(r, len(keys[n])))
		copy(srcs[n], randomBytes(r, len(srcs[n])))
		require.NoError(t, unix.Mprotect(keys[n], unix.PROT_READ))
		require.NoError(t, unix.Mprotect(srcs[n], unix.PROT_READ))
	}
	for _, b := range arc4.Backends() {
		for _, longest := range []int{33, 100, 3000} {
			t.Run(fmt.Sprintf("%s, up to %d bytes", b.Name(), longest), func(t *testing.T) {
				for range 100 {
					jobs := make([]arc4.Job, 1+r.IntN(most))
					want := make([][]byte, len(jobs))
					for n := range jobs {
						key := edge(keys[n], 1+r.IntN(arc4.MaxKeySize), r.IntN(2) == 0)
						if r.IntN(2) == 0 {
							key = edge(keys[n], 16, r.IntN(2) == 0)
						}
						length := r.IntN(longest + 1)
						j := arc4.Job{Key: key, Dst: edge(dsts[n], length, r.IntN(2) == 0), Src: edge(srcs[n], length, r.IntN(2) == 0)}
						if r.IntN(2) == 0 {
							j.Src = j.Dst
						}
						jobs[n], want[n] = j, wanted(t, key, j.Src)
					}
					b.XORKeyStreams(jobs)
					for n, j := range jobs {
						require.Equal(t, want[n], j.Dst, "job %d of %d, %d bytes of key", n+1, len(jobs), len(j.Key))
					}
				}
			})
		}
	}
}
