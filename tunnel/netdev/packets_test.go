package netdev

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.zx2c4.com/wireguard/tun"
)

func TestFromPackets(t *testing.T) {
	here, there := net.Pipe()
	d := FromPackets(here, 1400)
	mtu, err := d.MTU()
	require.NoError(t, err)
	assert.Equal(t, 1400, mtu)
	assert.EqualValues(t, tun.EventUp, <-d.Events())

	go func() {
		for _, p := range []string{"one", "a second", "3"} {
			_, _ = there.Write([]byte(p))
		}
	}()
	bufs, sizes := [][]byte{make([]byte, 64+65535), nil}, make([]int, 2)
	for _, want := range []string{"one", "a second", "3"} {
		n, err := d.Read(bufs, sizes, 64)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, want, string(bufs[0][64:][:sizes[0]]))
	}

	// Packets of several writers do not mix.
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			n, err := d.Write([][]byte{[]byte("....abc"), []byte("....defg")}, 4)
			assert.NoError(t, err)
			assert.Equal(t, 2, n)
		})
	}
	b := make([]byte, 100)
	for range 4 {
		for _, want := range []string{"abc", "defg"} {
			n, err := there.Read(b)
			require.NoError(t, err)
			require.Equal(t, want, string(b[:n]))
		}
	}
	writers.Wait()

	read := make(chan error)
	go func() {
		_, err := d.Read(bufs, sizes, 64)
		read <- err
	}()
	require.NoError(t, d.Close())
	require.ErrorIs(t, <-read, os.ErrClosed)
	require.NoError(t, d.Close(), "again")
	_, open := <-d.Events()
	require.False(t, open)
	_, err = d.Write([][]byte{[]byte("x")}, 0)
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

// failing gives a packet and an error at once, and takes every second packet.
type failing struct {
	err    error
	writes int
}

func (f *failing) Read(b []byte) (int, error) { return copy(b, "packet"), f.err }
func (f *failing) Write(b []byte) (int, error) {
	if f.writes++; f.writes%2 == 0 {
		return 0, f.err
	}
	return len(b), nil
}
func (f *failing) Close() error { return f.err }

func TestFromPacketsThatFails(t *testing.T) {
	broken := errors.New("broken")
	d := FromPackets(&failing{err: broken}, 1400)
	bufs, sizes := [][]byte{make([]byte, 100)}, make([]int, 1)
	n, err := d.Read(bufs, sizes, 10)
	require.Equal(t, 1, n, "what came is not lost")
	require.ErrorIs(t, err, broken)
	n, err = d.Write([][]byte{{1}, {2}, {3}}, 0)
	require.Equal(t, 2, n)
	require.ErrorIs(t, err, broken)
	require.ErrorIs(t, d.Close(), broken)
	require.ErrorIs(t, d.Close(), broken)

	here, there := net.Pipe()
	d = FromPackets(here, 1400)
	require.NoError(t, there.Close())
	_, err = d.Read(bufs, sizes, 10)
	require.ErrorIs(t, err, ErrDeleted, "the other side has ended it")
	require.NoError(t, d.Close())
}

func TestFromPacketsDoesNotAllocate(t *testing.T) {
	d := FromPackets(&failing{}, 1400)
	bufs, sizes := [][]byte{make([]byte, 100)}, make([]int, 1)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		_, _ = d.Read(bufs, sizes, 10)
		_, _ = d.Write(bufs, 10)
	}))
}
