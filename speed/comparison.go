package speed

import (
	"context"
	"slices"
	"sort"
	"time"

	"github.com/arc4tun/arc4tun/internal/timing"
)

// A comparison measures its implementations in turns. In a round each is measured for a slice of
// time, and then, in the opposite order, each for another: what slows a machine down more and more,
// or wears off, meets all alike. A neighbour that comes and goes is met by all as well, since a
// slice is short beside it; and a figure is the median of its rounds. A slice must still be long
// beside what the implementation before leaves behind in caches and predictors, which is gone
// within a millisecond.
const (
	usualSlice  = 25 * time.Millisecond
	leastRounds = 11 // in a measurement that has not the time for usual slices
	fewestKept  = 3  // rounds that make a result of a measurement that was cut short
)

// roundPlan is how many rounds are made, and how long a slice is.
type roundPlan struct {
	rounds int
	slice  time.Duration
}

// planRounds divides the time that each implementation has. The number of rounds is odd, so that
// one of them is the median.
func planRounds(total time.Duration) roundPlan {
	rounds := max(int(total/(2*usualSlice)), leastRounds) | 1
	return roundPlan{rounds, max(total/time.Duration(2*rounds), 1)}
}

// thereAndBack is the order in which so many tasks are measured in a round.
func thereAndBack(tasks int) []int {
	var order []int
	for i := range tasks {
		order = append(order, i)
	}
	for i := range tasks {
		order = append(order, tasks-1-i)
	}
	return order
}

// enough reports whether round, which is about to begin after so much wall time, is not to be: the
// plan is fulfilled, or operations take so much longer than a slice that it never would be.
func (p roundPlan) enough(round, tasks int, took time.Duration) bool {
	planned := p.slice * time.Duration(2*p.rounds*tasks)
	return round >= p.rounds || round >= fewestKept && took > 2*planned
}

// runComparison measures every workload and size with all its implementations in turns.
func (r *runner) runComparison(ctx context.Context, cfg Config, tasks []task, report *Report) error {
	for range cfg.Count {
		for _, group := range alike(tasks) {
			results, err := r.compare(ctx, group, cfg.Observer, report.Wall)
			if err != nil {
				return err
			}
			rate(results, report.Peers)
			report.Results = append(report.Results, results...)
			for _, result := range results {
				if cfg.Observer != nil {
					cfg.Observer.End(result)
				}
			}
			if ctx.Err() != nil {
				report.Interrupted = true
				return nil
			}
		}
	}
	return nil
}

// alike puts tasks together that differ in the implementation only, in their order otherwise.
func alike(tasks []task) [][]task {
	var groups [][]task
	for _, t := range tasks {
		at := slices.IndexFunc(groups, func(g []task) bool { return g[0].Workload == t.Workload && g[0].Bytes == t.Bytes })
		if at < 0 {
			groups = append(groups, nil)
			at = len(groups) - 1
		}
		groups[at] = append(groups[at], t)
	}
	return groups
}

// compare measures tasks that differ in the implementation only. There are no results if ctx ended
// too early for any.
func (r *runner) compare(ctx context.Context, tasks []task, observer Observer, wall bool) ([]Result, error) {
	plan := planRounds(tasks[0].Time)
	tell := func(int) {}
	if observer != nil {
		cases := make([]Case, len(tasks))
		for i, t := range tasks {
			cases[i] = t.Case
		}
		tell = func(done int) { observer.Rounds(cases, done, plan.rounds) }
	}
	tell(0)
	w, err := r.startWorkers(ctx, tasks, plan.slice)
	defer w.stop()
	if err != nil {
		return nil, err
	}
	watch := timing.Start(r.clock())
	rounds := make([][]round, len(tasks)) // of each task
	for n := 0; !plan.enough(n, len(tasks), watch.Wall()); n++ {
		for task, did := range w.round(ctx, len(tasks), plan.slice, wall) {
			rounds[task] = append(rounds[task], did)
		}
		if ctx.Err() != nil { // that round may be half a one
			n := len(rounds[0]) - 1
			if n < fewestKept {
				return nil, nil
			}
			for i := range rounds {
				rounds[i] = rounds[i][:n]
			}
			break
		}
		tell(n + 1)
	}
	results := make([]Result, len(tasks))
	for i, t := range tasks {
		results[i] = sumUp(t.Case, rounds[i])
	}
	return results, nil
}

// round measures every task twice and adds up what each did. It ends early, with zeros, if ctx
// does.
func (w *workers) round(ctx context.Context, tasks int, slice time.Duration, wall bool) []round {
	rounds := make([]round, tasks)
	for i := range rounds {
		rounds[i] = make(round, len(w.list))
	}
	for _, task := range thereAndBack(tasks) {
		if ctx.Err() != nil {
			break
		}
		did := w.all(func(works []readyWork, c timing.Clock) sample {
			return works[task].forSlice(slice, c, wall)
		})
		for i, s := range did {
			rounds[task][i].ops += s.ops
			rounds[task][i].seconds += s.seconds
		}
	}
	return rounds
}

// forSlice does as many operations as fill a slice.
func (w readyWork) forSlice(slice time.Duration, c timing.Clock, wall bool) sample {
	ops := int64(w.n) * int64(slice) / max(int64(w.took), 1)
	watch := timing.Start(c)
	did := w.do(int(min(max(ops, 1), 8*int64(w.n))))
	took := watch.Wall()
	if !wall {
		took = watch.CPU()
	}
	return sample{uint64(did), max(took, 1).Seconds()}
}

// round is what one task did in a round, a sample for each worker.
type round []sample

// perOp is the seconds an operation takes with all workers together.
func (r round) perOp() float64 {
	rate := 0.0
	for _, s := range r {
		rate += float64(s.ops) / s.seconds
	}
	return 1 / rate
}

// sumUp makes a result of a task's rounds: as many operations as there were, at the pace of the
// median round.
func sumUp(c Case, rounds []round) Result {
	result := Result{Case: c}
	for worker := range c.Workers {
		var ops uint64
		var each []float64
		for _, r := range rounds {
			s := r[worker]
			ops += s.ops
			each = append(each, s.seconds/float64(s.ops))
		}
		result.samples = append(result.samples, sample{ops, middle(each) * float64(ops)})
		result.Ops += ops
	}
	for _, r := range rounds {
		result.perOp = append(result.perOp, r.perOp())
	}
	result.Seconds = middle(result.perOp) * float64(result.Ops)
	return result
}

// rate gives every result its ratios to the peers among them: how many times as fast it is, the
// median of the rounds.
func rate(results []Result, peers []string) {
	for _, name := range peers {
		at := slices.IndexFunc(results, func(r Result) bool { return r.Name == name })
		if at < 0 {
			continue
		}
		for i := range results {
			ratios := make([]float64, len(results[i].perOp))
			for n := range ratios {
				ratios[n] = results[at].perOp[n] / results[i].perOp[n]
			}
			if results[i].Ratios == nil {
				results[i].Ratios = map[string]float64{}
			}
			results[i].Ratios[name] = middle(ratios)
		}
	}
}

// middle is the median; of an even number the mean of the two in the middle.
func middle(list []float64) float64 {
	sorted := sort.Float64Slice(slices.Clone(list))
	sorted.Sort()
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
