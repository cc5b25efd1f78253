package scale

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// While all sessions have as much to send as goes through, each gets something through.
func TestNobodyStarves(t *testing.T) {
	cfg, err := small(t).withDefaults()
	require.NoError(t, err)
	c, err := openTestbed(t.Context(), cfg)
	require.NoError(t, err)
	_, err = c.setUp(t.Context())
	require.NoError(t, err)
	for _, cl := range c.clients {
		cl.device.start(8)
	}
	for _, cl := range c.clients {
		require.Eventually(t, func() bool {
			back, _ := cl.device.returnedAndAway()
			return back >= 100
		}, callTimeout, time.Millisecond)
	}
	for _, cl := range c.clients {
		cl.device.pause()
	}
	require.NoError(t, c.settle(t.Context()))
	_, err = c.close()
	require.NoError(t, err)
}

// The clients vanish, and the server's sessions stay: what is weighed is theirs.
func TestVanish(t *testing.T) {
	cfg, err := small(t).withDefaults()
	require.NoError(t, err)
	c, err := openTestbed(t.Context(), cfg)
	require.NoError(t, err)
	_, err = c.setUp(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.vanish())
	sessions := c.server.Snapshot().Sessions
	require.Len(t, sessions, 20)
	for _, s := range sessions {
		assert.Equal(t, "up", s.State)
	}
	_, err = c.close()
	require.NoError(t, err)
}
