package link

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// received collects what a runner puts out, and says when n have come.
type received struct {
	mu    sync.Mutex
	all   []uint32
	early int
	n     int
	done  chan struct{}
}

func newReceived(n int) *received { return &received{n: n, done: make(chan struct{})} }

func (r *received) add(n uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, n)
	if len(r.all) == r.n {
		close(r.done)
	}
}

func newRunner(t testing.TB, spec string, out func([][]byte) error, opt Options) *Runner {
	r, err := NewRunner(newLink(t, spec), out, opt)
	require.NoError(t, err)
	return r
}

// TestRunner sends from several goroutines at once and waits for all of it. How
// late packets come is not asserted, only that none comes early or is lost.
func TestRunner(t *testing.T) {
	for name, spec := range map[string]string{
		"no delay": "",
		"delay":    "delay 2ms",
		"jitter":   "delay 3ms 1ms",
		"tail":     "delay 1ms 2ms distribution pareto",
		"rate":     "rate 1gbit",
		"yield":    "delay 3ms 1ms",
	} {
		t.Run(name, func(t *testing.T) {
			const senders, each, headroom = 4, 500, 16
			got := newReceived(senders * each)
			start := time.Now()
			runner := newRunner(t, spec, func(batch [][]byte) error {
				for _, buf := range batch {
					p := buf[headroom:]
					sent := time.Duration(binary.BigEndian.Uint64(p[4:]))
					if time.Since(start) < sent+runnerFloor(t, spec) {
						got.early++
					}
					got.add(binary.BigEndian.Uint32(p))
					clear(buf) // the output may write to its packets
				}
				return nil
			}, Options{Headroom: headroom, Batch: 32, Yield: name == "yield"})
			ctx, cancel := context.WithCancel(context.Background())
			ran := make(chan error)
			go func() { ran <- runner.Run(ctx) }()
			for s := range senders {
				go func() {
					for i := range each {
						p := packet(uint32(s*each+i), 12+i)
						binary.BigEndian.PutUint64(p[4:], uint64(time.Since(start)))
						runner.Send(p)
					}
				}()
			}
			<-got.done
			cancel()
			require.NoError(t, <-ran)
			stats := runner.Stats()
			assert.Zero(t, got.early)
			assert.Zero(t, stats.InFlight)
			assert.Equal(t, uint64(senders*each), stats.Delivered)
			assert.Equal(t, uint64(senders*each), stats.Late.Count())
			seen := map[uint32]bool{}
			for _, n := range got.all {
				assert.False(t, seen[n])
				seen[n] = true
			}
		})
	}
}

// runnerFloor is the least delay of a link.
func runnerFloor(t testing.TB, spec string) time.Duration {
	cfg, err := Parse(spec)
	require.NoError(t, err)
	return max(0, cfg.Delay-cfg.Jitter)
}

func TestRunnerKeepsOrder(t *testing.T) {
	const n = 5000
	got := newReceived(n)
	runner := newRunner(t, "delay 1ms", func(batch [][]byte) error {
		for _, p := range batch {
			got.add(binary.BigEndian.Uint32(p))
		}
		return nil
	}, Options{})
	sent := uint32(0)
	in := func(ctx context.Context) ([][]byte, error) {
		if sent == n {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		sent += 5
		return [][]byte{packet(sent-5, 4), packet(sent-4, 4), packet(sent-3, 4), packet(sent-2, 4), packet(sent-1, 4)}, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error)
	go func() { ran <- runner.Carry(ctx, in) }()
	<-got.done
	cancel()
	require.NoError(t, <-ran)
	assert.IsIncreasing(t, got.all)
}

func TestRunnerErrors(t *testing.T) {
	broken := errors.New("broken")
	t.Run("output", func(t *testing.T) {
		runner := newRunner(t, "", func([][]byte) error { return broken }, Options{})
		runner.Send(packet(1, 4))
		assert.Equal(t, broken, runner.Run(context.Background()))
	})
	t.Run("output, carried", func(t *testing.T) {
		runner := newRunner(t, "", func([][]byte) error { return broken }, Options{})
		first := true
		assert.Equal(t, broken, runner.Carry(context.Background(), func(ctx context.Context) ([][]byte, error) {
			if first {
				first = false
				return [][]byte{packet(1, 4)}, nil
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}))
	})
	t.Run("input", func(t *testing.T) {
		runner := newRunner(t, "", func([][]byte) error { return nil }, Options{})
		assert.Equal(t, io.EOF, runner.Carry(context.Background(), func(context.Context) ([][]byte, error) {
			return nil, io.EOF
		}))
	})
	t.Run("options", func(t *testing.T) {
		for want, opt := range map[string]Options{
			"link: batch 5000: must be from 1 to 1024":        {Batch: 5000},
			"link: headroom -1: must be from 0 to 4096":       {Headroom: -1},
			"link: capacity 200000: must be from 1 to 131072": {Capacity: 200000},
		} {
			_, err := NewRunner(newLink(t, ""), nil, opt)
			assert.EqualError(t, err, want)
		}
	})
}

func TestRunnerReconfigure(t *testing.T) {
	got := newReceived(2)
	runner := newRunner(t, "loss 100%", func(batch [][]byte) error {
		for _, p := range batch {
			got.add(binary.BigEndian.Uint32(p))
		}
		return nil
	}, Options{RealTime: true})
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error)
	go func() { ran <- runner.Run(ctx) }()
	runner.Send(packet(1, 4))
	require.NoError(t, runner.Reconfigure(Config{Delay: time.Hour}))
	runner.Send(packet(2, 4))
	// An earlier packet wakes the sleeper, which is waiting for an hour to pass.
	require.NoError(t, runner.Reconfigure(Config{}))
	runner.Send(packet(3, 4), packet(4, 3000))
	<-got.done
	cancel()
	require.NoError(t, <-ran)
	assert.Equal(t, []uint32{3, 4}, got.all)
	stats := runner.Stats()
	assert.Equal(t, 1, stats.InFlight)
	assert.Equal(t, uint64(1), stats.Lost)
}
