package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// TestLatePacketsAcrossTheWholeWindow: whatever the window waits for is let in when it comes,
// however large the window is.
func TestLatePacketsAcrossTheWholeWindow(t *testing.T) {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	const size = 16
	for _, tt := range []struct {
		window, late int
	}{{reorder.DefaultSize, 2000}, {4096, 2500}, {8192, 5000}, {16384, 16000}} {
		t.Run(fmt.Sprintf("%d of %d", tt.late, tt.window), func(t *testing.T) {
			p := newPair(t, backend, size, 64, func(o *Config) { o.Reorder.Size = tt.window })
			now := time.Unix(1000, 0)
			p.cross(now)
			before := p.dev.packets
			p.swallow(size)
			var late []gre.Packet
			for _, sent := range p.wire.sent[:p.wire.n] {
				late = append(late, gre.Packet{Addr: serverOuter, Data: append([]byte(nil), sent...)})
			}
			batches := tt.late / size
			for range batches {
				p.cross(now)
			}
			require.Equal(t, before, p.dev.packets, "the window waits")
			p.b.receive(now, late, p.w)
			require.Zero(t, p.b.in.stats.Disbelieved)
			require.Zero(t, p.b.in.win.Stats().Lost)
			require.EqualValues(t, (1+batches)*size, p.dev.packets-before, "all of it comes out")
		})
	}
}
