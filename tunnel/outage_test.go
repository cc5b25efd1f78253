package tunnel

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// hole swallows the data packets of one end while it is open.
type hole struct {
	from      netip.Addr
	open      atomic.Bool
	swallowed atomic.Int64
}

func (h *hole) use(_ *ClientConfig, _ *ServerConfig, po *wireOptions) {
	po.Impair = func(from netip.Addr, packet []byte, deliver func([]byte)) {
		if from == h.from && h.open.Load() && carriesData(packet) {
			h.swallowed.Add(1)
			return
		}
		deliver(packet)
	}
}

// TestOutageOfALiveTunnel is the same with everything in its place: goroutines, timers, both roles.
func TestOutageOfALiveTunnel(t *testing.T) {
	for _, tt := range []struct {
		from      netip.Addr
		swallowed int
	}{{clientOuter, 4095}, {serverOuter, 4096}, {clientOuter, 10_000}} {
		t.Run(fmt.Sprintf("%d packets from %s", tt.swallowed, tt.from), func(t *testing.T) {
			noLeaks(t)
			h := &hole{from: tt.from}
			w := newWorld(t, h.use)
			w.waitUp()
			client, server := w.clientSession(), w.serverSession()
			w.burst(10)
			in, out, from, to := w.clientDev, w.serverDev, clientIP, serverIP
			if tt.from == serverOuter {
				in, out, from, to = w.serverDev, w.clientDev, serverIP, clientIP
			}
			h.open.Store(true)
			for i := range tt.swallowed {
				in.Put(packet(from, to, uint32(i), 0))
			}
			w.eventually(func() bool { return h.swallowed.Load() == int64(tt.swallowed) }, "the network swallows them")
			h.open.Store(false)
			sent := uint32(0)
			w.eventually(func() bool {
				in.Put(packet(from, to, sent, 0))
				sent++
				return len(out.Got) > 0
			}, "packets pass again")
			first := number(w.expect(out))
			t.Logf("recovered with packet %d after the outage", first)
			require.LessOrEqual(t, first, uint32(3000))
			for next := first + 1; next < sent; next++ {
				require.Equal(t, next, number(w.expect(out)), "nothing is lost any more")
			}
			w.burst(200)
			w.untouched(client, server)
			w.stop()
		})
	}
}
