package tunnel

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// brokenDevice panics when it is read.
type brokenDevice struct{ netdev.Device }

func (brokenDevice) Read([][]byte, []int, int) (int, error) {
	panic("a mistake in the device's reader")
}

// TestFallReachesRun: a panic on a goroutine of its own goes on in Run, so that its caller can put
// everything back.
func TestFallReachesRun(t *testing.T) {
	for name, bring := range map[string]func(netdev.Device) netdev.Device{
		"a mistake in the session":         func(netdev.Device) netdev.Device { panic("a mistake in the session") },
		"a mistake in the device's reader": func(d netdev.Device) netdev.Device { return brokenDevice{d} },
	} {
		t.Run(name, func(t *testing.T) {
			var w *world
			var cfg ClientConfig
			w = newWorld(t, func(c *ClientConfig, _ *ServerConfig, _ *wireOptions) {
				cfg = *c
				cfg.ListenGRE = func(_, _ netip.Addr) (gre.Conn, error) { return w.clientGRE, nil }
				cfg.Bring = func(context.Context, Network) (netdev.Device, error) { return bring(w.clientDev), nil }
				// The world's own client stands aside.
				c.Dial = func(context.Context, string) (net.Conn, error) { return nil, errors.New("not this one") }
			})
			require.Error(t, <-w.clientErr)
			client, err := NewClient(cfg)
			require.NoError(t, err)
			putBack := false
			fell := make(chan any)
			go func() {
				defer func() { fell <- recover() }()
				defer func() { putBack = true }()
				_ = client.Run(t.Context())
			}()
			fall, is := (<-fell).(*Fall)
			require.True(t, is)
			assert.True(t, putBack)
			assert.Equal(t, name, fall.Value)
			assert.Contains(t, fall.Error(), "fall_test.go", "where it was")
		})
	}
}
