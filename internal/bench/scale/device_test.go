package scale

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What comes that should not have come is told.
func TestDevicesComplain(t *testing.T) {
	const size = 100
	c := newClientDevice(4, size)
	require.NoError(t, c.setAddresses(firstInner, serverInner))
	s := newServerDevice(serverInner, firstInner, 1, size, 4)
	bufs, sizes := [][]byte{make([]byte, size), make([]byte, size)}, make([]int, 2)
	c.start(2)
	n, err := c.Read(bufs, sizes, 0)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	_, err = s.Write(bufs[:1], 0)
	require.NoError(t, err)
	require.NoError(t, s.firstFailure())
	_, err = s.Write(bufs[:1], 0)
	require.NoError(t, err)
	require.ErrorContains(t, s.firstFailure(), "number 0 of session 0 came where 1 was next")
	_, err = c.Write(bufs[1:], 0)
	require.NoError(t, err)
	require.ErrorContains(t, c.firstFailure(), "client 10.64.0.2: a packet of 100 bytes came where number 0 was next")
	back, away := c.returnedAndAway()
	assert.Equal(t, []uint64{1, 1}, []uint64{back, away})
}
