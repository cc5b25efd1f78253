package uplink

import (
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// heapRing is a ring that nobody but the test shares.
func heapRing[T any](n int) ring[T] {
	return ring[T]{producer: new(uint32), consumer: new(uint32), entries: make([]T, n), mask: uint32(n - 1)}
}

// stuckXSK is a transmitter with 8 frames whose link takes nothing: its socket is one that can be
// sent nothing to.
func stuckXSK(t *testing.T) *xsk {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Close(pair[0]); _ = unix.Close(pair[1]) })
	for err == nil {
		err = unix.Sendto(pair[0], nil, unix.MSG_DONTWAIT, nil)
	}
	require.ErrorIs(t, err, unix.EAGAIN)
	const frames = 8
	x := &xsk{fd: pair[0], umem: make([]byte, frames*frameSize), tx: heapRing[unix.XDPDesc](frames), done: heapRing[uint64](frames)}
	for i := range uint32(frames) {
		x.free = append(x.free, i)
	}
	return x
}

func numberedPackets(n int) (packets [][]byte) {
	for range n {
		packets = append(packets, make([]byte, 100))
	}
	return packets
}

// TestFullLink: a link that takes nothing holds who sends for one wait, not for one at every look,
// and who tends it for none.
func TestFullLink(t *testing.T) {
	x := stuckXSK(t)
	a := netip.MustParseAddr("192.0.2.1")
	r := &route{header: newHeader(mac{}, mac{}, a, a), mtu: 1500, ids: new(atomic.Uint32)}
	var wait waiting
	taken, err := x.sendWaiting(r, numberedPackets(20), &wait)
	assert.Equal(t, errFull, err)
	assert.Equal(t, 8, taken, "as many as there are frames")
	assert.Less(t, wait.sum, maxWait+longNap)
	assert.EqualValues(t, 8, x.tx.waiting())

	wait = waiting{sum: maxWait}
	require.NoError(t, x.kick(&wait))
	assert.Equal(t, maxWait, wait.sum, "no pause")
	x.tend()

	// What the link took at last makes room again.
	for range 8 {
		*x.done.at(atomic.LoadUint32(x.done.producer)) = uint64(x.tx.at(*x.tx.consumer).Addr)
		*x.tx.consumer++
		*x.done.producer++
	}
	x.tend()
	assert.Len(t, x.free, 8)
}
