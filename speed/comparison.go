package speed

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// A comparison measures in turns. In a round every subject has a turn, and then, in the opposite order, every subject
// has another: what slows a machine down more and more, or wears off, meets all alike. A neighbour that comes and goes
// is met by all as well, since a turn is short beside it; and a figure is the median of its rounds. A turn must still be
// long beside what the subject before leaves behind in caches and predictors, which is gone within a millisecond.
const (
	usualTurn   = 25 * time.Millisecond
	leastRounds = 11 // in a measurement that has not the time for usual turns
	fewestKept  = 3  // rounds that make a result of a measurement that was cut short
)

// turnPlan is how many rounds are made, and how long a turn is.
type turnPlan struct {
	rounds int
	turn   time.Duration
}

// planTurns divides the time that each subject has. The number of rounds is odd, so that one of them is the median.
func planTurns(total time.Duration) turnPlan {
	rounds := max(int(total/(2*usualTurn)), leastRounds) | 1
	return turnPlan{rounds, max(total/time.Duration(2*rounds), 1)}
}

// order is the subjects' turns of a round: there and back.
func (turnPlan) order(subjects int) []int {
	var order []int
	for i := range subjects {
		order = append(order, i)
	}
	for i := range subjects {
		order = append(order, subjects-1-i)
	}
	return order
}

// enough says whether round, which is about to begin after so much wall time, is not to be: the plan is fulfilled, or
// operations take so much longer than a turn that it never would be.
func (p turnPlan) enough(round, subjects int, took time.Duration) bool {
	planned := p.turn * time.Duration(2*p.rounds*subjects)
	return round >= p.rounds || round >= fewestKept && took > 2*planned
}

// TurnObserver is an [Observer] that is told how a comparison goes on.
type TurnObserver interface {
	Observer
	// Turns takes the place of Begin: the cases are being measured in turns, and so many rounds of all are done.
	Turns(cases []Case, done, all int)
}

// runInTurns measures every workload and size with all its subjects in turns.
func (r *runner) runInTurns(ctx context.Context, cfg Config, tasks []task, report *Report) error {
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

// alike puts tasks together that differ in the subject only, in their order otherwise.
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

// compare measures tasks that differ in the subject only. There are no results if ctx ended too early for any.
func (r *runner) compare(ctx context.Context, tasks []task, observer Observer, wall bool) ([]Result, error) {
	cases := make([]Case, len(tasks))
	for i, t := range tasks {
		cases[i] = t.Case
	}
	turns, _ := observer.(TurnObserver)
	if turns == nil && observer != nil {
		for _, c := range cases {
			observer.Begin(c)
		}
	}
	plan := planTurns(tasks[0].Time)
	if turns != nil {
		turns.Turns(cases, 0, plan.rounds)
	}
	team, err := r.newTeam(ctx, tasks, plan.turn, wall)
	defer team.dismiss()
	if err != nil {
		return nil, err
	}
	c := r.clock()
	begin := c.wall()
	order := plan.order(len(tasks))
	rounds := make([][]round, len(tasks)) // of each task
	for n := 0; !plan.enough(n, len(tasks), c.wall()-begin); n++ {
		for task, did := range team.round(ctx, order) {
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
		if turns != nil {
			turns.Turns(cases, n+1, plan.rounds)
		}
	}
	results := make([]Result, len(tasks))
	for i, t := range tasks {
		results[i] = sumUp(t.Case, rounds[i])
	}
	return results, nil
}

// round is what one task did in a round, a sample for each worker.
type round []Sample

// perOp is the seconds an operation takes with all workers together.
func (r round) perOp() float64 {
	rate := 0.0
	for _, s := range r {
		rate += float64(s.Ops) / s.Seconds
	}
	return 1 / rate
}

// sumUp makes a result of a task's rounds: as many operations as there were, at the pace of the median round.
func sumUp(c Case, rounds []round) Result {
	result := Result{Case: c}
	for worker := range c.Workers {
		var ops uint64
		var each []float64
		for _, r := range rounds {
			s := r[worker]
			ops += s.Ops
			each = append(each, s.Seconds/float64(s.Ops))
		}
		result.Samples = append(result.Samples, Sample{ops, middle(each) * float64(ops)})
		result.Ops += ops
	}
	for _, r := range rounds {
		result.perOp = append(result.perOp, r.perOp())
	}
	result.Seconds = middle(result.perOp) * float64(result.Ops)
	return result
}

// rate gives every result its ratios to the peers among them: how many times as fast it is, the median of the rounds.
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
	sorted := slices.SortedFunc(slices.Values(list), cmp.Compare)
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
