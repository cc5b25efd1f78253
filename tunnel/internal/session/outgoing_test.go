package session

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// sendAll sends packets of one session.
func sendAll(s *Session, bufs [][]byte, sizes []int) {
	d := outgoing{Routing: Routing{Session: func([]byte) *Session { return s }}}
	d.send(bufs, sizes)
}

// TestDispatch mixes the packets of several sessions, and of none, in every batch: each session's
// come out at its peer, in their order, one write for each session.
func TestDispatch(t *testing.T) {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	const sessions = 9
	var pairs [sessions]*pair
	var want, got [sessions][]byte
	for i := range pairs {
		pairs[i] = newPair(t, backend, 0, 0)
		deliver := pairs[i].b.in.deliverFn
		pairs[i].b.in.deliverFn = func(p []byte) {
			got[i] = append(got[i], p[len(p)-1])
			deliver(p)
		}
	}
	pairs[3].a.out.up = false
	pairs[4].a.out.enc = nil // which no packet may leave without
	d := outgoing{Routing: Routing{Session: func(ip []byte) *Session {
		if n := ip[len(ip)-2]; n < sessions {
			return pairs[n].a
		}
		return nil
	}}}
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 40 {
		bufs, sizes := make([][]byte, memory.SizesOf(false).SocketBatch), make([]int, memory.SizesOf(false).SocketBatch)
		for i := range bufs {
			size := 40 + r.IntN(400)
			bufs[i], sizes[i] = make([]byte, bufferSize), size
			copy(bufs[i][headroom:], packet(clientIP, serverIP, uint32(i), size))
			to := r.IntN(sessions + 1)
			if round%2 == 0 {
				to = to / 5 * 5 // long runs
			}
			bufs[i][headroom+size-2], bufs[i][headroom+size-1] = byte(to), byte(i)
			if to < sessions && to != 3 && to != 4 {
				want[to] = append(want[to], byte(i))
			}
		}
		d.send(bufs, sizes)
		for _, p := range pairs {
			pkts := make([]gre.Packet, p.wire.n)
			for i := range pkts {
				pkts[i] = gre.Packet{Addr: serverOuter, Data: p.wire.sent[i]}
			}
			p.b.receive(time.Unix(1000, 0), pkts, p.w)
			p.wire.n = 0
		}
	}
	for i := range got {
		require.Equal(t, fmt.Sprint(want[i]), fmt.Sprint(got[i]), "session %d", i)
	}
	require.NotZero(t, pairs[3].a.out.stats.NotUp)
	require.NotZero(t, pairs[4].a.out.stats.NotUp)
	for i := range pairs {
		require.True(t, pairs[i].a.out.mu.TryLock(), "session %d is still locked", i)
	}
}
