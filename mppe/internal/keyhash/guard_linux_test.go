package keyhash

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestPageEnds puts session key and sum at both ends of a page, and at every distance from a word's
// beginning: a read or write outside of the page ends the test with a fault.
func TestPageEnds(t *testing.T) {
	page := os.Getpagesize()
	area, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.Munmap(area)) })
	require.NoError(t, unix.Mprotect(area[:page], unix.PROT_NONE))
	require.NoError(t, unix.Mprotect(area[2*page:], unix.PROT_NONE))
	var places []*[Size]byte
	for shift := range 8 {
		places = append(places, (*[Size]byte)(area[page+shift:]), (*[Size]byte)(area[2*page-Size-shift:2*page]))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for name, sum := range implementations() {
		for _, length := range []int{8, 16} {
			start := make([]byte, length)
			randomBytes(r, start)
			h, err := New(start)
			require.NoError(t, err)
			for _, from := range places {
				for _, to := range places {
					randomBytes(r, from[:])
					want := byDefinition(start, *from)
					sum(h, to, from)
					require.Equal(t, want, *to, "%s, %d bytes", name, length)
				}
			}
		}
	}
}
