package soak

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckSums(t *testing.T) {
	c := newContent(1)
	for number := uint64(1); number < 50; number++ {
		ip := datagramPacket(c.fill(make([]byte, maxDatagram), number))
		require.NoError(t, checkSums(ip))
		for _, at := range []int{12, 20, 29, len(ip) - 1} {
			ip[at] ^= 4
			require.Error(t, checkSums(ip), "byte %d", at)
			ip[at] ^= 4
		}
		require.Error(t, checkSums(ip[:len(ip)-1]))
	}
	require.Error(t, checkSums(nil))
	require.Error(t, checkSums(make([]byte, 40)))
}
