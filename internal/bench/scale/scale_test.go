package scale

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/arc4tun/arc4tun/arc4"
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

// While all sessions have as much to send as goes through, each gets something through.
func TestNobodyStarves(t *testing.T) {
	cfg, err := small(t).withDefaults()
	require.NoError(t, err)
	c, err := openCrowd(t.Context(), cfg)
	require.NoError(t, err)
	_, err = c.setUp(t.Context())
	require.NoError(t, err)
	for _, g := range c.guests {
		g.dev.start(8)
	}
	for _, g := range c.guests {
		require.Eventually(t, func() bool {
			back, _ := g.dev.rounds()
			return back >= 100
		}, patience, time.Millisecond)
	}
	for _, g := range c.guests {
		g.dev.pause()
	}
	require.NoError(t, c.settle(t.Context()))
	_, err = c.close()
	require.NoError(t, err)
}

// The clients vanish, and the server's sessions stay: what is weighed is theirs.
func TestVanish(t *testing.T) {
	cfg, err := small(t).withDefaults()
	require.NoError(t, err)
	c, err := openCrowd(t.Context(), cfg)
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

// TestIdleSessionIsSmall holds the server to what the project promises: 64 KB for a session that
// does nothing.
func TestIdleSessionIsSmall(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes memory of its own")
	}
	cfg, err := small(t).withDefaults()
	require.NoError(t, err)
	cfg.Sessions = 200
	var row Row
	require.NoError(t, row.measureIdle(t.Context(), cfg))
	assert.Less(t, row.Idle, int64(64<<10))
}

func TestMeasureReceive(t *testing.T) {
	for _, sockets := range []bool{false, true} {
		for _, readers := range []int{1, 2, 3} {
			t.Run(fmt.Sprintf("sockets=%v/readers=%d", sockets, readers), func(t *testing.T) {
				if sockets {
					if err := CanUseSockets(); err != nil {
						t.Skip(err)
					}
				}
				row, err := MeasureReceive(t.Context(), ReceiveConfig{Config: small(t), Readers: readers, Packets: 2000, Sockets: sockets})
				require.NoError(t, err)
				assert.Equal(t, 2000, row.Packets)
				assert.Equal(t, readers, row.Readers)
				assert.Equal(t, sockets, row.Sockets)
				assert.Equal(t, runtime.GOMAXPROCS(0), row.Cores)
				assert.Positive(t, row.PacketsPerSecond())
			})
		}
	}
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

// What comes that should not have come is told.
func TestDevicesComplain(t *testing.T) {
	const size = 100
	c := newClientDevice(4, size)
	require.NoError(t, c.address(firstInner, serverInner))
	s := newServerDevice(serverInner, firstInner, 1, size, 4)
	bufs, sizes := [][]byte{make([]byte, size), make([]byte, size)}, make([]int, 2)
	c.start(2)
	n, err := c.Read(bufs, sizes, 0)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	_, err = s.Write(bufs[:1], 0)
	require.NoError(t, err)
	require.NoError(t, s.failure())
	_, err = s.Write(bufs[:1], 0)
	require.NoError(t, err)
	require.ErrorContains(t, s.failure(), "number 0 of session 0 came where 1 was next")
	_, err = c.Write(bufs[1:], 0)
	require.NoError(t, err)
	require.ErrorContains(t, c.failure(), "client 10.64.0.2: a packet of 100 bytes came where number 0 was next")
	back, away := c.rounds()
	assert.Equal(t, []uint64{1, 1}, []uint64{back, away})
}

func TestWriteTable(t *testing.T) {
	report := Report{
		Backend: "u32",
		Rows: []Row{{
			Sessions: 10, SetUp: time.Second, SetUpCPU: 20 * time.Millisecond, TearDown: 2 * time.Second, Idle: 51200, Busy: 102400,
			Packets: 1_000_000, Bytes: 1000, Duration: 4 * time.Second, CPU: 8 * time.Second, Least: 90_000, Most: 120_000,
		}},
		Receive: []ReceiveRow{
			{Sessions: 64, Readers: 1, Cores: 1, Packets: 1000, Bytes: 1400, Duration: 10 * time.Millisecond, CPU: 10 * time.Millisecond},
			{Sessions: 64, Readers: 2, Cores: 2, Packets: 1000, Bytes: 1400, Duration: 5 * time.Millisecond, CPU: 11 * time.Millisecond},
			{Sessions: 64, Readers: 1, Cores: 1, Sockets: true, Packets: 1000, Bytes: 1400, Duration: 20 * time.Millisecond, CPU: 20 * time.Millisecond},
			{Sessions: 64, Readers: 4, Cores: 2, Sockets: true, Packets: 1000, Bytes: 1400, Duration: 8 * time.Millisecond, CPU: 12 * time.Millisecond},
		},
	}
	var w strings.Builder
	require.NoError(t, report.WriteTable(&w))
	assert.Contains(t, w.String(), "       10         10       2.00       50.0      100.0       2000      250.0       8.00     0.75       2.00\n")
	assert.Contains(t, w.String(), "        2          2       lists          200       2.00      11.00\n")
	assert.Contains(t, w.String(), "        4          2     sockets          125       2.50      12.00\n")
}
