package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
)

// swallow sends n packets from a that reach nobody.
func (p *pair) swallow(n int) {
	for n > 0 {
		some := min(n, len(p.bufs))
		p.wire.n = 0
		for i, b := range p.bufs[:some] {
			copy(b[headroom:], p.plain(i))
		}
		p.out.send(p.bufs[:some], p.size[:some])
		n -= some
	}
}

// TestOutages: a stateless session finds its peer again after any number of lost packets, though
// the coherency count has but 12 bits. How long that takes is steps of the key chain, so here a
// turn of the session's timer comes with every batch, and nothing depends on the machine.
func TestOutages(t *testing.T) {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	const size = 16
	for _, tt := range []struct {
		swallowed int
		atMost    int // batches until everything passes
	}{
		{1, 1}, {2046, 1}, {2047, 2}, {2048, 2}, {4094, 8}, {4095, 8}, {4096, 8}, {4097, 8}, {8192, 16}, {10_000, 16}, {100_000, 110},
	} {
		t.Run(fmt.Sprint(tt.swallowed), func(t *testing.T) {
			p := newPair(t, backend, size, 64)
			now := time.Unix(1000, 0)
			for range 10 {
				p.cross(now)
			}
			p.swallow(tt.swallowed)
			before, batches := p.dev.packets, 0
			for p.dev.packets < before+size {
				before = p.dev.packets
				require.LessOrEqual(t, batches, tt.atMost, "the session does not recover")
				p.cross(now)
				p.b.in.catchUp(now)
				now = now.Add(400 * time.Millisecond) // what waits for the lost ones comes out
				p.b.in.expire(now)
				batches++
			}
			t.Logf("recovered after %d packets", (batches-1)*size)
			before = p.dev.packets
			for range 20 {
				p.cross(now)
			}
			require.Equal(t, before+20*size, p.dev.packets, "nothing is lost any more")
		})
	}
}
