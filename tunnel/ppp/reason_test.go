package ppp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReasonSaysWhetherTheNetworkWasUp: what ends a login and what ends a tunnel of days may have
// the same class, and only one of them says anything about the next login.
func TestReasonSaysWhetherTheNetworkWasUp(t *testing.T) {
	for name, end := range map[string]func(*pair){
		"closed here":         func(p *pair) { p.client.link.Close(p.now, "enough") },
		"closed by the peer":  func(p *pair) { p.server.link.Close(p.now, "enough") },
		"the call is cleared": func(p *pair) { p.client.link.LowerDown(p.now) },
		"the peer is gone": func(p *pair) {
			p.network = func(bool, []byte) []time.Duration { return nil }
		},
	} {
		for _, wasUp := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				client := clientConfig()
				client.EchoInterval = time.Second
				p := newPair(t, client, serverConfig())
				p.open()
				if wasUp {
					p.run(time.Second)
					p.requireUp(true)
				}
				end(p)
				p.run(time.Hour)
				require.NotNil(t, p.client.reason())
				assert.Equal(t, wasUp, p.client.reason().WasUp, "%+v", p.client.reason())
			})
		}
	}
}
