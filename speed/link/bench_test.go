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
// takes them, or at a steady rate, and reports how late they were released. With
// -cpu 4 on two cores, Run does not wait for a processor.
func BenchmarkRunner(b *testing.B) {
	for _, c := range []struct {
		name, spec string
		gap        time.Duration // from batch of 16 to batch
	}{
		{"no delay, flood", "limit 4096", 0},
		{"3ms±1ms, 5 kpps", "delay 3ms 1ms", 3200 * time.Microsecond},
		{"3ms±1ms, 200 kpps", "delay 3ms 1ms", 80 * time.Microsecond},
	} {
		b.Run(c.name, func(b *testing.B) {
			var out atomic.Int64
			runner := newRunner(b, c.spec, func(batch [][]byte) error {
				out.Add(int64(len(batch)))
				return nil
			}, Options{RealTime: true})
			ctx, cancel := context.WithCancel(context.Background())
			ran := make(chan error)
			go func() { ran <- runner.Run(ctx) }()
			batch := make([][]byte, 16)
			for i := range batch {
				batch[i] = make([]byte, 1400)
			}
			b.SetBytes(1400)
			b.ResetTimer()
			start := time.Now()
			for n := 0; n < b.N; n += len(batch) {
				for next := start.Add(time.Duration(n/len(batch)) * c.gap); time.Until(next) > 0; {
					runtime.Gosched()
				}
				// The flood is as fast as the output, not as the queue's refusals.
				for c.gap == 0 && int64(n)-out.Load() > 2048 {
					runtime.Gosched()
				}
				runner.Send(batch...)
			}
			b.StopTimer()
			cancel()
			if err := <-ran; err != nil {
				b.Fatal(err)
			}
			stats := runner.Stats()
			b.ReportMetric(float64(stats.Delivered)/b.Elapsed().Seconds()/1000, "kpps")
			b.ReportMetric(float64(stats.Late.Quantile(0.5).Nanoseconds())/1000, "p50-us")
			b.ReportMetric(float64(stats.Late.Quantile(0.99).Nanoseconds())/1000, "p99-us")
		})
	}
}
