package session

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

var testIncoming = sync.Pool{New: func() any { return new(incoming) }}

// receive takes packets of the session as its reader does, w being the reader's.
func (s *Session) receive(now time.Time, pkts []gre.Packet, w *deviceWriter) {
	in := testIncoming.Get().(*incoming)
	defer testIncoming.Put(in)
	in.writer = w
	in.handOver(now, pkts, func(int) *Session { return s })
}

// handOver takes the packets of one read, each with an owner, or nil.
func (c *incoming) handOver(now time.Time, pkts []gre.Packet, owner func(i int) *Session) {
	c.parse(pkts)
	for i := range c.packets {
		c.packets[i].owner = owner(i)
	}
	c.receive(now)
}

// TestIncoming mixes the packets of several sessions, forged ones and those of none in every read:
// each session's come out in their order, though they are decrypted together, and what one gets is
// nothing to the others.
func TestIncoming(t *testing.T) {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	const sessions = 40
	var pairs [sessions]*pair
	var want, got [sessions][]int
	for i := range pairs {
		pairs[i] = newPair(t, backend, 0, 0)
		deliver := pairs[i].b.in.deliverFn
		pairs[i].b.in.deliverFn = func(p []byte) {
			got[i] = append(got[i], int(p[len(p)-2])<<8|int(p[len(p)-1]))
			deliver(p)
		}
	}
	pairs[3].b.in.up = false
	pairs[5].b.in.dec = nil
	r := rand.New(rand.NewPCG(3, 4))
	in := newIncoming(memory.SizesOf(false))
	number, forged := 0, uint64(0)
	for round := range 60 {
		var pkts []gre.Packet
		var owners []*Session
		for range 1 + r.IntN(memory.SizesOf(false).SocketBatch) {
			to := r.IntN(sessions + 1)
			if round%3 == 0 {
				to = to / 8 * 8 // long runs
			}
			if to == sessions {
				pkts, owners = append(pkts, gre.Packet{Data: []byte("nobody's")}), append(owners, nil)
				continue
			}
			p := pairs[to]
			if r.IntN(10) == 0 && p.b.in.dec != nil {
				junk := grePacket(7, p.b.in.data.last+1, mppeFrame(0x9000|uint16(r.IntN(1<<12)), make([]byte, 100)))
				pkts, owners = append(pkts, gre.Packet{Data: junk}), append(owners, p.b)
				forged++
				continue
			}
			number++
			size := 40 + r.IntN(400)
			b := make([]byte, bufferSize)
			copy(b[headroom:], packet(clientIP, serverIP, uint32(number), size))
			b[headroom+size-2], b[headroom+size-1] = byte(number>>8), byte(number)
			p.wire.n = 0
			sendAll(p.a, [][]byte{b}, []int{size})
			pkts = append(pkts, gre.Packet{Data: append([]byte(nil), p.wire.sent[0]...)})
			owners = append(owners, p.b)
			if to != 3 && to != 5 {
				want[to] = append(want[to], number)
			}
		}
		in.handOver(time.Unix(1000, 0), pkts, func(i int) *Session { return owners[i] })
	}
	refused := uint64(0)
	for i := range got {
		require.Equal(t, want[i], got[i], "session %d", i)
		require.True(t, pairs[i].b.in.mu.TryLock(), "session %d is still locked", i)
		stats := pairs[i].b.in.stats
		refused += stats.Undecryptable + stats.Repeated + stats.Late + stats.OutOfReach
	}
	require.NotZero(t, pairs[3].b.in.stats.NotUp)
	require.NotZero(t, pairs[5].b.in.stats.NotUp)
	require.NotZero(t, forged)
	require.Equal(t, forged, refused, "every forged packet is counted once")
}
