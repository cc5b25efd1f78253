package scale

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/raceflag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func small(t *testing.T) Config {
	backend, err := arc4.Lookup("u32")
	require.NoError(t, err)
	return Config{Sessions: 20, Duration: 100 * time.Millisecond, Backend: backend}
}

func TestMeasure(t *testing.T) {
	row, err := Measure(t.Context(), small(t))
	require.NoError(t, err)
	assert.Equal(t, 20, row.Sessions)
	assert.Positive(t, row.SetUpRate())
	assert.Positive(t, row.SetUpCPU)
	assert.Positive(t, row.TearDown)
	assert.Positive(t, row.CPU)
	assert.GreaterOrEqual(t, row.Packets, 20*row.Least)
	assert.LessOrEqual(t, row.Packets, 20*row.Most)
}

// TestIdleSessionIsSmall holds the server to what the project promises: 64 KB for a session that
// does nothing.
func TestIdleSessionIsSmall(t *testing.T) {
	if raceflag.Enabled {
		t.Skip("the race detector takes memory of its own")
	}
	cfg, err := small(t).withDefaults()
	require.NoError(t, err)
	cfg.Sessions = 200
	var row Row
	require.NoError(t, row.measureIdle(t.Context(), cfg))
	assert.Less(t, row.Idle, int64(64<<10))
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := small(t)
	cfg.Duration = time.Hour
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := Measure(ctx, cfg)
	require.ErrorIs(t, err, context.Canceled)
}

func TestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  ReceiveConfig
		want string
	}{
		"no session":        {ReceiveConfig{}, "0 sessions: must be 1 to"},
		"too many sessions": {ReceiveConfig{Config: Config{Sessions: MaxSessions + 1}}, "60001 sessions"},
		"packets too small": {ReceiveConfig{Config: Config{Sessions: 1, Bytes: 10}}, "packets of 10 bytes"},
		"packets too large": {ReceiveConfig{Config: Config{Sessions: 1, Bytes: 1401}}, "packets of 1401 bytes"},
		"negative time":     {ReceiveConfig{Config: Config{Sessions: 1, Duration: -1}}, "traffic for -1ns"},
		"no reader":         {ReceiveConfig{Config: Config{Sessions: 1}, Packets: 1}, "0 readers"},
		"too many readers":  {ReceiveConfig{Config: Config{Sessions: 1}, Readers: 17, Packets: 1}, "17 readers"},
		"no packets":        {ReceiveConfig{Config: Config{Sessions: 1}, Readers: 1}, "0 packets"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := MeasureReceive(t.Context(), c.cfg)
			require.ErrorContains(t, err, c.want)
		})
	}
}
