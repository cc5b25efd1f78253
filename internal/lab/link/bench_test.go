package link

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkLink schedules 1400-byte packets with some thousand in flight, without
// a real clock.
func BenchmarkLink(b *testing.B) {
	for _, spec := range []string{"delay 3ms", "delay 3ms 1ms", "delay 200ms 50ms distribution normal"} {
		b.Run(spec, func(b *testing.B) {
			l := newLink(b, spec+" limit 100000")
			p, now, deliver := make([]byte, 1400), zero, func([]byte) {}
			b.SetBytes(1400)
			for b.Loop() {
				now = now.Add(5 * time.Microsecond)
				l.Send(now, p)
				l.Due(now, deliver)
			}
		})
	}
}

// BenchmarkRunner sends 1400-byte packets through a running link as fast as it
// takes them, or at a steady rate, and reports how late they were released; and,
// as what this machine allows at all, how late the sender was, which does nothing
// but look at the clock between two batches. The first packets, for which there is
// no memory yet, do not count.
func BenchmarkRunner(b *testing.B) {
	for _, c := range []struct {
		name, spec string
		gap        time.Duration // from batch of 16 to batch
	}{
		{"no delay, flood", "limit 4096", 0},
		{"3ms±1ms, 5 kpps", "delay 3ms 1ms", 3200 * time.Microsecond},
		{"3ms±1ms, 200 kpps", "delay 3ms 1ms", 80 * time.Microsecond},
		{"3ms±1ms, 400 kpps", "delay 3ms 1ms", 40 * time.Microsecond},
	} {
		b.Run(c.name, func(b *testing.B) {
			out := &outlet{}
			runner := newRunner(b, c.spec, out.take, Options{RealTime: true})
			ctx, cancel := context.WithCancel(context.Background())
			ran := make(chan error)
			go func() { ran <- runner.Run(ctx) }()
			batch := make([][]byte, 16)
			for i := range batch {
				batch[i] = make([]byte, 1400)
			}
			out.flood(runner, batch, min(40_000, 10*b.N), c.gap)
			before := runner.Stats()
			b.SetBytes(1400)
			b.ResetTimer()
			sender := out.flood(runner, batch, b.N, c.gap)
			b.StopTimer()
			cancel()
			if err := <-ran; err != nil {
				b.Fatal(err)
			}
			stats := runner.Stats()
			stats.Late.subtract(&before.Late)
			b.ReportMetric(float64(stats.Delivered-before.Delivered)/b.Elapsed().Seconds()/1000, "kpps")
			report := func(l *Lateness, q float64, unit string) {
				b.ReportMetric(float64(l.Quantile(q).Nanoseconds())/1000, unit)
			}
			report(&stats.Late, 0.5, "p50-us")
			report(&stats.Late, 0.99, "p99-us")
			report(&stats.Late, 0.999, "p99.9-us")
			report(&sender, 0.99, "sender-p99-us")
		})
	}
}

// outlet counts what a runner has put out.
type outlet struct{ count, sent atomic.Int64 }

func (o *outlet) take(batch [][]byte) error {
	o.count.Add(int64(len(batch)))
	return nil
}

// flood sends n packets, a batch every gap, and says how late the batches were. A
// late one puts off those after it: made up for, it would be a burst beyond the
// rate. Without a gap it is as fast as the output, not as the queue's refusals.
func (o *outlet) flood(runner *Runner, batch [][]byte, n int, gap time.Duration) (late Lateness) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	next := time.Now()
	for sent := 0; sent < n; sent += len(batch) {
		now := time.Now()
		for now.Before(next) {
			now = time.Now()
		}
		if gap > 0 {
			late.add(now.Sub(next))
		}
		next = next.Add(gap)
		if now.After(next) {
			next = now
		}
		for gap == 0 && o.sent.Load()-o.count.Load() > 2048 {
			runtime.Gosched()
		}
		runner.Send(batch...)
		o.sent.Add(int64(len(batch)))
	}
	return late
}

// subtract leaves what came after an earlier state of the histogram; Max stays.
func (l *Lateness) subtract(earlier *Lateness) {
	for i, n := range earlier.buckets {
		l.buckets[i] -= n
	}
	l.count -= earlier.count
}
