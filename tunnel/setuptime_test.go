package tunnel

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestNoTimerInASetUp: from the TCP connection to the first packet nothing waits for a restart
// timer, whatever the two ends want of each other. How long it takes is only said.
func TestNoTimerInASetUp(t *testing.T) {
	for name, set := range map[string]func(*ClientConfig, *ServerConfig){
		"as it comes":           func(*ClientConfig, *ServerConfig) {},
		"encryption optional":   func(c *ClientConfig, s *ServerConfig) { c.MPPE.Mode, s.MPPE.Mode = ppp.Allow, ppp.Allow },
		"the client wants none": func(c *ClientConfig, s *ServerConfig) { c.MPPE.Mode, s.MPPE.Mode = ppp.Off, ppp.Allow },
		"the server wants none": func(c *ClientConfig, s *ServerConfig) { c.MPPE.Mode, s.MPPE.Mode = ppp.Allow, ppp.Off },
		"stateful": func(c *ClientConfig, s *ServerConfig) {
			c.MPPE.Stateful, s.MPPE.Stateful = ppp.StatefulRequired, ppp.StatefulAllowed
		},
		"only the client has IPv6": func(c *ClientConfig, _ *ServerConfig) { c.IPv6 = true },
	} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			var dialled time.Time
			w := newWorld(t, func(c *ClientConfig, s *ServerConfig, _ *wireOptions) {
				// A timer that ran out would show: it could not do so unnoticed within the timeout
				// of a test.
				c.restartTimer, s.restartTimer = 4*timeout, 4*timeout
				set(c, s)
				dial := c.Dial
				c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
					dialled = time.Now()
					return dial(ctx, address)
				}
			})
			w.waitUp()
			w.burst(1)
			t.Logf("%v from the TCP connection to the first packet", time.Since(dialled).Round(100*time.Microsecond))
			for _, s := range []*session.Session{w.clientSession(), w.serverSession()} {
				require.Zero(t, s.Snapshot().Counters["ppp_retransmissions"])
			}
			w.stop()
		})
	}
}
