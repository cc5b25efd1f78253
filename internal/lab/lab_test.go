package lab

import (
	"context"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

func TestMain(m *testing.M) {
	if os.Getenv(enteringEnv) != "" {
		os.Exit(entering())
	}
	// An ordinary user's tests run once more inside a user namespace, if there is one to be had.
	if done, code, _ := Enter(context.Background()); done {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

// eachMode runs a test in every mode; what cannot be had here is skipped with its reason.
func eachMode(t *testing.T, test func(t *testing.T, cfg Config)) {
	backend, err := arc4.Lookup("u32")
	require.NoError(t, err)
	for _, mode := range []Mode{Kernel, Userspace} {
		t.Run(mode.String(), func(t *testing.T) {
			cfg := Config{Mode: mode, Backend: backend}
			if mode == Kernel {
				requireKernel(t)
			}
			before := leftovers(t)
			defer func() { assert.Equal(t, before, leftovers(t), "something is left behind") }()
			test(t, cfg)
		})
	}
}

func requireKernel(t *testing.T) {
	l, err := New(t.Context(), Config{Mode: Kernel})
	if err != nil {
		t.Skipf("no kernel mode here (root with /dev/net/tun has it): %v", err)
	}
	require.NoError(t, l.Close())
}

// leftovers names what a lab could leave on this machine: devices with its names.
// Its namespaces have no names.
func leftovers(t *testing.T) (names []string) {
	interfaces, err := net.Interfaces()
	require.NoError(t, err)
	for _, i := range interfaces {
		if strings.HasPrefix(i.Name, "wire") || strings.HasPrefix(i.Name, "arc4") {
			names = append(names, i.Name)
		}
	}
	return names
}

func open(t *testing.T, cfg Config) *Lab {
	t.Helper()
	l, err := New(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return l
}

// shaky is a link that reorders.
var shaky = link.Config{Delay: 3 * time.Millisecond, Jitter: time.Millisecond, Seed: 1}

// carry sends n random bytes over a transfer's connection, and demands that they
// come whole.
func carry(t *testing.T, l *Lab, tr Transfer, n int) {
	t.Helper()
	source, sink, err := l.connect(t.Context(), tr)
	require.NoError(t, err)
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(data)
	sent := make(chan error, 1)
	go func() {
		_, err := source.Write(data)
		source.Close()
		sent <- err
	}()
	got, err := io.ReadAll(sink)
	require.NoError(t, err)
	require.NoError(t, <-sent)
	assert.Len(t, got, n)
	assert.Equal(t, sha256.Sum256(data), sha256.Sum256(got))
	require.NoError(t, sink.Close())
}

func TestDataPassesIntact(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		cfg.Download, cfg.Upload = shaky, shaky
		l := open(t, cfg)
		assert.Equal(t, cfg.Mode, l.Mode())
		carry(t, l, Transfer{Path: Raw, TCP: TCP{Window: 64 << 10}}, 100_000)
		require.NoError(t, l.StartTunnel(t.Context(), TunnelConfig{}))
		carry(t, l, Transfer{Path: Tunnel, TCP: TCP{Window: 64 << 10}}, 1_000_000)
		carry(t, l, Transfer{Path: Tunnel, Upload: true}, 1_000_000)
		server, client, ok := l.Snapshots()
		require.True(t, ok)
		require.Len(t, server.Sessions, 1)
		require.Len(t, client.Sessions, 1)
		for _, s := range append(server.Sessions, client.Sessions...) {
			assert.Equal(t, 128, s.MPPE.Strength)
			assert.True(t, s.MPPE.Stateless)
			assert.Equal(t, "order", s.Policy)
			assert.NotZero(t, s.Window.Buffered, "the link reorders")
		}
		assert.Equal(t, "u32", client.Process.Backend)
	})
}

// A delay apart, no more than a window can be on its way: what a transfer gets has a bound.
func TestWindowBoundsATransfer(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		l := open(t, cfg)
		const window, delay = 32 << 10, 50 * time.Millisecond
		require.NoError(t, l.SetLink(link.Config{Delay: delay}, link.Config{}))
		r, err := l.Measure(t.Context(), Transfer{Path: Raw, TCP: TCP{Window: window}, Duration: time.Second})
		require.NoError(t, err)
		assert.NotZero(t, r.Bytes)
		assert.LessOrEqual(t, r.Bytes, int64(r.Duration/delay+2)*window)
	})
}

func TestWhatIsOmittedDoesNotCount(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		l := open(t, cfg)
		const omit, counted = 200 * time.Millisecond, 100 * time.Millisecond
		var r Result
		for limit := time.Now().Add(time.Minute); r.Bytes == 0; { // a busy machine may move nothing in time
			require.True(t, time.Now().Before(limit), "nothing is counted")
			began := time.Now()
			var err error
			r, err = l.Measure(t.Context(), Transfer{Path: Raw, Omit: omit, Duration: counted})
			require.NoError(t, err)
			assert.GreaterOrEqual(t, time.Since(began), omit+counted)
			assert.GreaterOrEqual(t, r.Duration, counted)
			assert.LessOrEqual(t, r.Duration, time.Since(began)-omit)
		}
	})
}

func TestCongestionControl(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		l := open(t, cfg)
		usual, err := l.Congestion()
		require.NoError(t, err)
		assert.NotEmpty(t, usual)
		_, err = l.Measure(t.Context(), Transfer{Path: Raw, Duration: 20 * time.Millisecond, TCP: TCP{Congestion: "reno"}})
		require.NoError(t, err)
		_, err = l.Measure(t.Context(), Transfer{Path: Raw, Duration: 20 * time.Millisecond, TCP: TCP{Congestion: "polite"}})
		require.ErrorContains(t, err, `congestion control "polite": `)
	})
}

func TestMeasure(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		l := open(t, cfg)
		_, err := l.Download(t.Context(), Raw, 50*time.Millisecond, 256<<10)
		require.NoError(t, err)
		_, err = l.Download(t.Context(), Tunnel, time.Second, 0)
		require.ErrorIs(t, err, errNoTunnel)
		// One tunnel after the other, each with counters of its own.
		for _, policy := range []reorder.Policy{reorder.Order, reorder.Drop, reorder.Immediate} {
			require.NoError(t, l.StartTunnel(t.Context(), TunnelConfig{Reorder: reorder.Config{Policy: policy}}))
			require.NoError(t, l.SetLink(shaky, link.Config{}))
			r, err := l.Measure(t.Context(), Transfer{Duration: 100 * time.Millisecond, TCP: TCP{Window: 256 << 10}})
			require.NoError(t, err)
			assert.GreaterOrEqual(t, r.Duration, 100*time.Millisecond)
			assert.InDelta(t, float64(r.Bytes)*8, r.BitsPerSecond*r.Duration.Seconds(), 1)
			_, client, ok := l.Snapshots()
			require.True(t, ok)
			require.Len(t, client.Sessions, 1)
			assert.Equal(t, policy.String(), client.Sessions[0].Policy)
		}
		require.NoError(t, l.StopTunnel())
		_, _, ok := l.Snapshots()
		assert.False(t, ok)
	})
}

func TestCancelled(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		ctx, cancel := context.WithCancel(t.Context())
		l, err := New(ctx, cfg)
		require.NoError(t, err)
		require.NoError(t, l.StartTunnel(ctx, TunnelConfig{}))
		ended := make(chan error)
		go func() {
			_, err := l.Measure(ctx, Transfer{Duration: time.Hour})
			ended <- err
		}()
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.ErrorIs(t, l.StartTunnel(ctx, TunnelConfig{}), context.Canceled)
		require.NoError(t, l.Close())
		require.NoError(t, l.Close(), "twice is harmless")
	})
}

// Nothing gets through, and every wait ends.
func TestDeadLink(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		l := open(t, cfg)
		require.NoError(t, l.StartTunnel(t.Context(), TunnelConfig{}))
		require.NoError(t, l.SetLink(link.Config{Loss: 1}, link.Config{Loss: 1}))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := l.Measure(ctx, Transfer{Duration: time.Millisecond})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, l.StopTunnel(), "the call ends in order all the same")
	})
}

func TestSetLinkRefuses(t *testing.T) {
	l := open(t, Config{Mode: Userspace})
	require.ErrorContains(t, l.SetLink(link.Config{Loss: 2}, link.Config{}), "loss 200%")
	require.ErrorContains(t, l.SetLink(link.Config{}, link.Config{Rate: 1}), "rate 1bit")
	_, err := New(t.Context(), Config{Mode: Userspace, Upload: link.Config{Delay: -1}})
	require.ErrorContains(t, err, "delay")
}

func TestNewRefuses(t *testing.T) {
	requireKernel(t)
	_, err := New(t.Context(), Config{Mode: Kernel, Download: link.Config{Loss: 2}})
	require.ErrorContains(t, err, "loss 200%")
}

func TestAutoNeverFails(t *testing.T) {
	l := open(t, Config{})
	assert.NotEqual(t, Auto, l.Mode())
	assert.NotEmpty(t, l.Why())
}

func TestModeString(t *testing.T) {
	assert.Equal(t, "userspace", Userspace.String())
	assert.Equal(t, "mode 7", Mode(7).String())
}
