package speed

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/internal/timing"
)

// workers are threads that have the works of all tasks ready, and measure when they are told to.
type workers struct {
	list  []worker
	ended sync.WaitGroup
}

type worker struct {
	jobs chan job // closed at the end
	did  chan sample
}

// job measures one of the works.
type job func(works []readyWork, c timing.Clock) sample

// readyWork is work, how many operations of it took about a chunk of time, and how long they took.
type readyWork struct {
	do   timing.Work
	n    int
	took time.Duration
}

// startWorkers sets up the works of the tasks for every worker. The error says why one cannot be;
// the workers are to be stopped in any case.
func (r *runner) startWorkers(ctx context.Context, tasks []task, chunk time.Duration) (*workers, error) {
	w := &workers{list: make([]worker, tasks[0].Workers)}
	errs := make([]error, len(w.list))
	var ready sync.WaitGroup
	ready.Add(len(w.list))
	for i := range w.list {
		one := worker{make(chan job), make(chan sample)}
		w.list[i] = one
		seed := r.seed
		r.seed += uint64(len(tasks))
		w.ended.Go(func() {
			// The CPU clock is the thread's, so the goroutine must stay on it.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			c := r.clock()
			var works []readyWork
			works, errs[i] = prepare(ctx, tasks, seed, chunk, c)
			ready.Done()
			for do := range one.jobs {
				one.did <- do(works, c)
			}
		})
	}
	ready.Wait()
	for _, err := range errs {
		if err != nil {
			return w, err
		}
	}
	return w, nil
}

func prepare(ctx context.Context, tasks []task, seed uint64, chunk time.Duration, c timing.Clock) ([]readyWork, error) {
	works := make([]readyWork, len(tasks))
	for i, t := range tasks {
		do, err := t.implementation.works[t.Workload](t.Bytes, timing.NewKeys(seed+uint64(i)))
		if err != nil {
			return nil, err
		}
		n, took := timing.Calibrate(ctx, do, c, chunk)
		works[i] = readyWork{do, n, took}
	}
	return works, nil
}

// all has every worker do the job at once.
func (w *workers) all(do job) []sample {
	for _, one := range w.list {
		one.jobs <- do
	}
	samples := make([]sample, len(w.list))
	for i, one := range w.list {
		samples[i] = <-one.did
	}
	return samples
}

// stop ends the workers.
func (w *workers) stop() {
	for _, one := range w.list {
		close(one.jobs)
	}
	w.ended.Wait()
}

// measureAll measures one task with all its workers at once.
func (r *runner) measureAll(ctx context.Context, t task, wall bool) ([]sample, error) {
	w, err := r.startWorkers(ctx, []task{t}, timing.Chunk(t.Time))
	defer w.stop()
	if err != nil {
		return nil, err
	}
	return w.all(func(works []readyWork, c timing.Clock) sample {
		ops, took := timing.Measure(ctx, works[0].do, c, works[0].n, t.Time, wall)
		return sample{ops, took.Seconds()}
	}), nil
}
