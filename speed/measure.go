package speed

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Between two looks at the clock a worker works for about a chunk of time: long enough that looking costs nothing, short
// enough that a measurement ends when it should and an interrupt is heard at once.
const (
	chunksPerMeasurement = 32
	maxChunk             = 5 * time.Millisecond
)

// An interrupted measurement counts if it had a tenth of its time.
const interruptedShare = 10

// measureAll measures one task with all its workers at once.
func (r *runner) measureAll(ctx context.Context, t task, wall bool) ([]Sample, error) {
	samples := make([]Sample, t.Workers)
	errs := make([]error, t.Workers)
	var ready, ended sync.WaitGroup
	ready.Add(t.Workers)
	for i := range samples {
		keys := newKeySource(r.seed)
		r.seed++
		ended.Go(func() {
			// The CPU clock is the thread's, so the goroutine must stay on it.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			c := r.clock()
			w, err := t.subject.works[t.Workload](t.Bytes, keys)
			n := 0
			if err == nil {
				n, _ = calibrate(ctx, w, c, min(t.Time/chunksPerMeasurement, maxChunk))
			}
			ready.Done()
			ready.Wait()
			if err != nil {
				errs[i] = err
				return
			}
			samples[i] = measure(ctx, w, c, n, t.Time, wall)
		})
	}
	ended.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return samples, nil
}

// calibrate finds how many operations fill a chunk of time, or half of it, and how long they took. It also warms up caches, predictors and the CPU's frequency.
// It goes by CPU time where it can: a thread that has to wait for a processor must not take its operations for slow.
func calibrate(ctx context.Context, w work, c clock, chunk time.Duration) (n int, took time.Duration) {
	w.run(1)
	for n = 1; ; {
		start, startCPU := c.wall(), c.cpu()
		w.run(n)
		took = c.wall() - start
		if cpu := c.cpu() - startCPU; cpu > 0 {
			took = cpu
		}
		if took >= chunk/2 || ctx.Err() != nil {
			return n, took
		}
		// A clock that has not moved says nothing but "more"; one that has is believed up to a factor of eight.
		n = int(min(int64(n)*8, int64(n)*int64(chunk)/max(int64(took), 1)+1))
	}
}

// measure runs w in chunks of n operations for a total of wall time, and divides by CPU time unless wall time is asked
// for. The sample is empty if ctx ended too early for a result.
func measure(ctx context.Context, w work, c clock, n int, total time.Duration, wall bool) Sample {
	var ops uint64
	begin, beginCPU := c.wall(), c.cpu()
	var took time.Duration
	for took < total && ctx.Err() == nil {
		ops += uint64(w.run(n))
		took = c.wall() - begin
	}
	tookCPU := c.cpu() - beginCPU
	if took < total/interruptedShare {
		return Sample{}
	}
	// A CPU clock too coarse to have moved says nothing.
	if !wall && tookCPU > 0 {
		took = tookCPU
	}
	return Sample{ops, took.Seconds()}
}
