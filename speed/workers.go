package speed

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// team is workers that hold all subjects ready and do turns when they are told to.
type team struct {
	workers []teamWorker
	ended   sync.WaitGroup
}

type teamWorker struct {
	turn chan int // the task whose turn it is; closed at the end
	did  chan Sample
}

// newTeam sets up the works of the tasks for every worker. The error says why one cannot be; the team is to be dismissed
// in any case. Wall time is taken if wall says so, else CPU time.
func (r *runner) newTeam(ctx context.Context, tasks []task, turn time.Duration, wall bool) (*team, error) {
	t := &team{workers: make([]teamWorker, tasks[0].Workers)}
	errs := make([]error, len(t.workers))
	var ready sync.WaitGroup
	ready.Add(len(t.workers))
	for i := range t.workers {
		w := teamWorker{make(chan int), make(chan Sample)}
		t.workers[i] = w
		seed := r.seed
		r.seed += uint64(len(tasks))
		t.ended.Go(func() {
			// The CPU clock is the thread's, so the goroutine must stay on it.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			c := r.clock()
			var works []turnWork
			works, errs[i] = prepare(ctx, tasks, seed, turn, c)
			ready.Done()
			w.serve(works, c, wall)
		})
	}
	ready.Wait()
	for _, err := range errs {
		if err != nil {
			return t, err
		}
	}
	return t, nil
}

// turnWork is work and how many operations of it fill a turn.
type turnWork struct {
	work
	ops int
}

func prepare(ctx context.Context, tasks []task, seed uint64, turn time.Duration, c clock) ([]turnWork, error) {
	works := make([]turnWork, len(tasks))
	for i, t := range tasks {
		w, err := t.subject.works[t.Workload](t.Bytes, newKeySource(seed+uint64(i)))
		if err != nil {
			return nil, err
		}
		n, took := calibrate(ctx, w, c, turn)
		ops := int64(n) * int64(turn) / max(int64(took), 1)
		works[i] = turnWork{w, int(min(max(ops, 1), 8*int64(n)))}
	}
	return works, nil
}

// serve does turns until there are no more.
func (w teamWorker) serve(works []turnWork, c clock, wall bool) {
	for task := range w.turn {
		begin, beginCPU := c.wall(), c.cpu()
		ops := works[task].run(works[task].ops)
		took, tookCPU := c.wall()-begin, c.cpu()-beginCPU
		// A CPU clock too coarse to have moved says nothing.
		if !wall && tookCPU > 0 {
			took = tookCPU
		}
		w.did <- Sample{uint64(ops), max(took, 1).Seconds()}
	}
}

// round does the turns of a round and adds up each task's. It ends early, with zeros, if ctx does.
func (t *team) round(ctx context.Context, order []int) []round {
	rounds := make([]round, len(order)/2)
	for i := range rounds {
		rounds[i] = make(round, len(t.workers))
	}
	for _, task := range order {
		if ctx.Err() != nil {
			break
		}
		for _, w := range t.workers {
			w.turn <- task
		}
		for i, w := range t.workers {
			s := <-w.did
			rounds[task][i].Ops += s.Ops
			rounds[task][i].Seconds += s.Seconds
		}
	}
	return rounds
}

// dismiss ends the workers.
func (t *team) dismiss() {
	for _, w := range t.workers {
		close(w.turn)
	}
	t.ended.Wait()
}
