package session

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// TestExpiryKeepsNoMemory: segments that the timer lets go are joined in wide buffers, megabytes of
// them at the worst. A server's sessions must not keep some each.
func TestExpiryKeepsNoMemory(t *testing.T) {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // a pool lets go at the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const sessions, segments = 20, 65
	pairs := make([]*pair, sessions)
	for i := range pairs {
		pairs[i] = newPair(t, backend, segments, 1000)
		for _, s := range []*Session{pairs[i].a, pairs[i].b} {
			s.out.enc, s.out.mustEnc = nil, false
			s.in.dec, s.in.stateless, s.in.clear = nil, false, true
		}
	}
	before := heap()
	for _, p := range pairs {
		now := time.Unix(1000, 0)
		for i, b := range p.bufs {
			// Two segments of a flow, then two of another.
			copy(b[headroom:], tcpPacket(uint16(i/2), uint32(i%2*900), 7, ippkt.FlagACK, 900))
			p.size[i] = 952
		}
		p.out.send(p.bufs, p.size)
		for i := range p.wire.n {
			p.pkts[i] = gre.Packet{Addr: serverOuter, Data: p.wire.sent[i]}
		}
		p.b.receive(now, p.pkts[:1], p.w)
		p.b.receive(now, p.pkts[2:p.wire.n], p.w) // without the second
		require.Equal(t, 1, p.dev.packets)
		p.b.in.expire(now.Add(time.Second))
		require.Equal(t, segments-1, p.dev.packets)
	}
	require.Less(t, heap()-before, int64(4*sessions*wideSize), "of 32 that each has used")
	runtime.KeepAlive(pairs)
}
