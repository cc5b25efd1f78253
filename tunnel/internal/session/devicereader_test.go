package session

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// scriptedDevice gives what its steps say, and is closed then.
type scriptedDevice struct {
	memDevice
	steps []func(bufs [][]byte, sizes []int, offset int) (int, error)
}

func (d *scriptedDevice) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	if len(d.steps) == 0 {
		return 0, os.ErrClosed
	}
	step := d.steps[0]
	d.steps = d.steps[1:]
	return step(bufs, sizes, offset)
}

var errOnce = errors.New("failed to receive netlink message: no buffer space available")

func fails([][]byte, []int, int) (int, error) { return 0, errOnce }

func TestDeviceReaderOutlivesAnError(t *testing.T) {
	seen := 0
	works := func(_ [][]byte, sizes []int, _ int) (int, error) { sizes[0] = 20; return 1, nil }
	d := &scriptedDevice{}
	for range 100 {
		d.steps = append(d.steps, fails, works)
	}
	r := &DeviceReader{dev: d, outgoing: outgoing{Routing: Routing{Session: func([]byte) *Session { seen++; return nil }}}}
	require.NoError(t, r.Run())
	require.Equal(t, 100, seen)
}

func TestDeviceReaderGivesUpOnALastingError(t *testing.T) {
	d := &scriptedDevice{}
	for range 1000 {
		d.steps = append(d.steps, fails)
	}
	r := &DeviceReader{dev: d}
	require.ErrorIs(t, r.Run(), errOnce)
	require.NotEmpty(t, d.steps)
}

// TestDeviceReaderTakesAnyPacket: an operator may give the device another MTU at any time, and what
// splits large segments then writes packets of that size into the buffers.
func TestDeviceReaderTakesAnyPacket(t *testing.T) {
	const largest = 1<<16 - 1
	seen := 0
	d := &scriptedDevice{}
	d.steps = append(d.steps, func(bufs [][]byte, sizes []int, offset int) (int, error) {
		for i := range bufs {
			require.GreaterOrEqual(t, len(bufs[i][offset:]), largest)
			bufs[i][offset+largest-1] = byte(i)
			sizes[i] = largest
		}
		for i := range bufs {
			require.Equal(t, byte(i), bufs[i][offset+largest-1], "buffers overlap")
			require.Equal(t, len(bufs[i]), cap(bufs[i]), "what is appended to one must not run into the next")
		}
		return len(bufs), nil
	})
	r := &DeviceReader{dev: d, outgoing: outgoing{Routing: Routing{Session: func(ip []byte) *Session {
		require.Len(t, ip, largest)
		seen++
		return nil
	}}}}
	require.NoError(t, r.Run())
	require.GreaterOrEqual(t, seen, d.BatchSize())
}
