package memnet

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDeviceMovesPackets(t *testing.T) {
	d := NewDevice()
	for _, p := range []string{"one", "two", "three"} {
		d.Put([]byte(p))
	}
	bufs, sizes := [][]byte{make([]byte, 10), make([]byte, 10)}, make([]int, 2)
	n, err := d.Read(bufs, sizes, 4)
	require.NoError(t, err)
	require.Equal(t, 2, n, "no more than there are buffers")
	assert.Equal(t, []string{"one", "two"}, []string{string(bufs[0][4:][:sizes[0]]), string(bufs[1][4:][:sizes[1]])})
	n, err = d.Read(bufs, sizes, 0)
	require.NoError(t, err)
	require.Equal(t, 1, n, "it waits for no more")
	assert.Equal(t, "three", string(bufs[0][:sizes[0]]))

	n, err = d.Write([][]byte{[]byte("....x"), []byte("....yz")}, 4)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	assert.Equal(t, []string{"x", "yz"}, []string{string(<-d.Got), string(<-d.Got)})
}

func TestDeviceFull(t *testing.T) {
	d := NewDevice()
	d.Got = make(chan []byte, 1)
	n, err := d.Write([][]byte{{1}, {2}}, 0)
	require.Error(t, err)
	assert.Equal(t, 1, n)
}

func TestDeviceClose(t *testing.T) {
	for _, end := range []error{os.ErrClosed, errors.New("it was deleted")} {
		d := NewDevice()
		d.End = end
		ended := make(chan error)
		go func() {
			_, err := d.Read([][]byte{nil}, []int{0}, 0)
			ended <- err
		}()
		require.NoError(t, d.Close())
		require.NoError(t, d.Close(), "twice is harmless")
		assert.Equal(t, end, <-ended)
	}
}
