package capture

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// lines is a device that gives packets and takes all.
type lines struct {
	netdev.Device
	gives [][]byte
}

func (l *lines) JoinsInPlace() bool { return true }

func (l *lines) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	for i, p := range l.gives {
		sizes[i] = copy(bufs[i][offset:], p)
	}
	return len(l.gives), nil
}

func (l *lines) Write(bufs [][]byte, offset int) (int, error) {
	for _, b := range bufs {
		clear(b[offset:]) // the packets are the device's
	}
	return len(bufs), nil
}

func TestDevice(t *testing.T) {
	at := time.Unix(1_000_000, 1234)
	r := open(t, Config{now: func() time.Time { return at }, SnapLen: 30})
	dev := r.Device(&lines{gives: [][]byte{ipPacket("out"), ipPacket("out too")}})
	bufs, sizes := [][]byte{make([]byte, 100), make([]byte, 100)}, make([]int, 2)
	n, err := dev.Read(bufs, sizes, 10)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	_, err = dev.Write([][]byte{append(make([]byte, 10), ipPacket("in")...)}, 10)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	_, packets, _ := readFile(t, r.cfg.Path)
	require.Len(t, packets, 3)
	for i, want := range []string{"out", "out too", "in"} {
		whole := ipPacket(want)
		assert.Equal(t, captured{on: "inner", sent: i < 2, data: whole[:30], length: len(whole), at: at.UTC()}, func() captured {
			p := packets[i]
			p.at = p.at.UTC()
			return p
		}())
	}
}
