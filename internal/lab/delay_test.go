package lab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

func TestDelayIsThatOfTheLinkAtLeast(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		cfg.Download = link.Config{Delay: 20 * time.Millisecond}
		l := open(t, cfg)
		require.NoError(t, l.StartTunnel(t.Context(), TunnelConfig{}))
		for _, path := range []Path{Raw, Tunnel} {
			d, err := l.MeasureDelay(t.Context(), Probe{Path: path, Duration: 100 * time.Millisecond})
			require.NoError(t, err)
			assert.Positive(t, d.Sent)
			assert.Equal(t, d.Sent, d.Received)
			assert.Zero(t, d.Duplicated)
			assert.GreaterOrEqual(t, d.Quantile(0), cfg.Download.Delay)
			assert.LessOrEqual(t, d.Quantile(0.5), d.Quantile(1))
		}
		back, err := l.MeasureDelay(t.Context(), Probe{Path: Raw, Upload: true, Duration: 20 * time.Millisecond})
		require.NoError(t, err)
		assert.Equal(t, back.Sent, back.Received, "the other direction")
	})
}

// Only the policy that never holds a packet lets one overtake another.
func TestDelayOfPolicies(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		cfg.Download = link.Config{Delay: 20 * time.Millisecond, Jitter: 20 * time.Millisecond}
		l := open(t, cfg)
		for _, c := range []struct {
			policy    reorder.Policy
			overtakes bool
			all       bool
		}{{reorder.Order, false, true}, {reorder.Immediate, true, true}, {reorder.Drop, false, false}} {
			require.NoError(t, l.StartTunnel(t.Context(), TunnelConfig{Reorder: reorder.Config{Policy: c.policy}}))
			d, err := l.MeasureDelay(t.Context(), Probe{Path: Tunnel, Duration: 300 * time.Millisecond})
			require.NoError(t, err)
			assert.Equal(t, c.overtakes, d.Overtaken > 0, "%v: %d of %d overtaken", c.policy, d.Overtaken, d.Sent)
			assert.Equal(t, c.all, d.Received == d.Sent, "%v: %d of %d received", c.policy, d.Received, d.Sent)
		}
	})
}

func TestDelayWithoutTunnel(t *testing.T) {
	l := open(t, Config{Mode: Userspace})
	_, err := l.MeasureDelay(t.Context(), Probe{Path: Tunnel, Duration: time.Millisecond})
	require.ErrorIs(t, err, errNoTunnel)
	assert.Zero(t, (&Delays{}).Quantile(0.5), "nothing arrived")
}
