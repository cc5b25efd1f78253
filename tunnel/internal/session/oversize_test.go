package session

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/raceflag"
	"github.com/arc4tun/arc4tun/tunnel/internal/tunneltest"
)

// TestAnswersToTooLongPackets: who is told does not need to be told again at once, and a flood is
// not answered as one; every packet ends in one counter.
func TestAnswersToTooLongPackets(t *testing.T) {
	p := newPair(t, mustBackend(t), 0, 0)
	now := time.Unix(1000, 0)
	p.a.out.now = func() time.Time { return now }
	send := func(from netip.Addr, packets int) {
		var bufs [][]byte
		var sizes []int
		for range packets {
			b := make([]byte, 4096)
			copy(b[headroom:], tunneltest.WithFlags(packet(from, serverIP, 0, 1450), tunneltest.DontFragment))
			bufs, sizes = append(bufs, b), append(sizes, 1450)
		}
		p.out.send(bufs, sizes)
		p.a.reply()
	}
	send(clientIP, 40)
	o := &p.a.out.stats
	require.EqualValues(t, 1, o.Answered, "of one flow in one run")
	require.EqualValues(t, 39, o.TooLong)
	require.Equal(t, 1, p.dev.packets)
	for i := range byte(100) {
		send(netip.AddrFrom4([4]byte{10, 0, 0, i}), 1)
	}
	require.EqualValues(t, answersAtOnce, o.Answered, "a budget of them")
	now = now.Add(time.Second / 2)
	for i := range byte(100) {
		send(netip.AddrFrom4([4]byte{10, 0, 0, i}), 1)
	}
	require.EqualValues(t, answersAtOnce+answersPerSecond/2, o.Answered)
	now = now.Add(time.Hour)
	for i := range byte(100) {
		send(netip.AddrFrom4([4]byte{10, 0, 0, i}), 1)
	}
	require.EqualValues(t, 2*answersAtOnce+answersPerSecond/2, o.Answered)
	require.EqualValues(t, 340, o.Answered+o.TooLong)
	require.Zero(t, p.wire.n)

	// A queue that nobody empties loses what comes more, and the buffers go back.
	now = now.Add(time.Hour)
	p.a.out.now = func() time.Time { now = now.Add(time.Hour); return now }
	before := o.Answered
	for i := range byte(100) {
		b := make([]byte, 4096)
		copy(b[headroom:], tunneltest.WithFlags(packet(netip.AddrFrom4([4]byte{10, 0, 1, i}), serverIP, 0, 1450), tunneltest.DontFragment))
		p.out.send([][]byte{b}, []int{1450})
	}
	require.EqualValues(t, answerQueue, o.Answered-before)
}

// TestFragmentsDoNotAllocate: what is fragmented costs no memory that is not used again.
func TestFragmentsDoNotAllocate(t *testing.T) {
	if raceflag.Enabled {
		t.Skip("the race detector drops what pools keep")
	}
	p := newPair(t, mustBackend(t), 0, 0)
	b, large := make([]byte, 4096), packet(clientIP, serverIP, 0, 1450)
	bufs, sizes := [][]byte{b}, []int{1450}
	allocs := testing.AllocsPerRun(200, func() {
		copy(b[headroom:], large)
		p.wire.n = 0
		p.out.send(bufs, sizes)
		require.Equal(t, 2, p.wire.n)
	})
	require.Less(t, allocs, 1.0)
	require.Empty(t, p.a.out.borrowed)
}

func mustBackend(t *testing.T) *arc4.Backend {
	b, err := arc4.Lookup("")
	require.NoError(t, err)
	return b
}
