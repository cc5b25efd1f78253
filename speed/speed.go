// Package speed measures the RC4 backends, and a few other ciphers beside them, the way `openssl
// speed` does: each cipher at each block size for a fixed time, as bytes a second.
//
// Whatever sets a key is given a fresh one every time. RC4's fast implementations branch on the
// data, and a branch predictor learns the collisions of a key that comes back: with one key, or a
// small set of them, such code measures up to a fifth faster than it is. See [Workload] for what is
// timed.
package speed

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
	"github.com/arc4tun/arc4tun/internal/cputime"
	"github.com/arc4tun/arc4tun/internal/timing"
)

// Run measures what cfg asks for. If ctx ends it stops within milliseconds, and the report holds
// what was measured so far. The error is a [ConfigError], or says why a cipher cannot be set up.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	r := runner{implementations: implementations(), clock: newThreadClock, seed: rand.Uint64()}
	report, err := r.run(ctx, cfg)
	if err != nil {
		return nil, err
	}
	report.CPU = readCPU()
	report.Libcrypto = libcrypto.Version()
	report.Selected, report.Why = selected()
	return report, nil
}

// runner is what measuring depends on besides the configuration.
type runner struct {
	implementations []implementation
	clock           func() timing.Clock
	seed            uint64 // of the keys
}

// task is one case together with what it runs on.
type task struct {
	Case
	implementation *implementation
}

func (r *runner) run(ctx context.Context, cfg Config) (*Report, error) {
	cfg = cfg.withDefaults()
	tasks, failed, err := r.plan(&cfg)
	if err != nil {
		return nil, err
	}
	report := &Report{
		Version: cfg.Version, GOOS: runtime.GOOS, GOARCH: runtime.GOARCH,
		Workers: cfg.Workers, Wall: cfg.Elapsed || !cputime.Known, Failed: failed,
	}
	for i := range r.implementations {
		report.names = append(report.names, r.implementations[i].name)
	}
	if n := len(tasks) * cfg.Count; cfg.Observer != nil {
		cfg.Observer.Planned(n, time.Duration(n)*cfg.Time)
	}
	if cfg.Peers {
		report.Peers = r.peersAmong(tasks)
		return report, r.runComparison(ctx, cfg, tasks, report)
	}
	for range cfg.Count {
		for _, t := range tasks {
			if cfg.Observer != nil {
				cfg.Observer.Begin(t.Case)
			}
			samples, err := r.measureAll(ctx, t, report.Wall)
			if err != nil {
				return nil, err
			}
			if result, ok := combine(t.Case, samples); ok {
				report.Results = append(report.Results, result)
				if cfg.Observer != nil {
					cfg.Observer.End(result)
				}
			}
			if ctx.Err() != nil {
				report.Interrupted = true
				return report, nil
			}
		}
	}
	return report, nil
}

// plan checks the configuration and lists what is to be measured, workload by workload, and what
// failed its self-test.
func (r *runner) plan(cfg *Config) (tasks []task, failed []Failure, err error) {
	if err := cfg.checkNumbers(); err != nil {
		return nil, nil, err
	}
	chosen, err := r.choose(cfg.Names, cfg.Peers)
	if err != nil {
		return nil, nil, err
	}
	sound := chosen[:0:0]
	for _, s := range chosen {
		if err := s.check(); err != nil {
			failed = append(failed, Failure{s.name, err})
			continue
		}
		sound = append(sound, s)
	}
	for _, w := range unique(cfg.Workloads) {
		sizes, err := w.sizes(cfg.Sizes)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range sound {
			if s.works[w] == nil {
				if slices.Contains(cfg.Names, s.name) && len(cfg.Workloads) == 1 {
					return nil, nil, configError("%s has no workload %s, only %s", s.name, w, joinWorkloads(s.workloads()))
				}
				continue
			}
			for _, size := range sizes {
				tasks = append(tasks, task{Case{s.name, w, size, cfg.Time, cfg.Workers}, s})
			}
		}
	}
	return tasks, failed, nil
}

// choose finds the implementations called names, and the peers if they are wanted; no names stand
// for all that are measured unasked.
func (r *runner) choose(names []string, peers bool) ([]*implementation, error) {
	var chosen []*implementation
	for _, name := range unique(names) {
		if name == AllRC4 {
			for i := range r.implementations {
				if k := r.implementations[i].kind; k == ours || k == peer {
					chosen = append(chosen, &r.implementations[i])
				}
			}
			continue
		}
		at := slices.IndexFunc(r.implementations, func(s implementation) bool { return s.name == name })
		if at < 0 {
			var known []string
			for i := range r.implementations {
				known = append(known, r.implementations[i].name)
			}
			return nil, configError("unknown name %q: give any of %s, or %s for every RC4", name, strings.Join(known, ", "), AllRC4)
		}
		chosen = append(chosen, &r.implementations[at])
	}
	for i := range r.implementations {
		s := &r.implementations[i]
		unasked := s.kind == ours || s.kind == peer || s.kind == other && !peers
		if len(names) == 0 && unasked || peers && s.kind == peer {
			chosen = append(chosen, s)
		}
	}
	return unique(chosen), nil
}

// peersAmong lists the peers that tasks measure.
func (r *runner) peersAmong(tasks []task) []string {
	var peers []string
	for i := range r.implementations {
		s := &r.implementations[i]
		if s.kind == peer && slices.ContainsFunc(tasks, func(t task) bool { return t.implementation == s }) {
			peers = append(peers, s.name)
		}
	}
	return peers
}

// unique drops repetitions and keeps the order.
func unique[T comparable](list []T) []T {
	var out []T
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// Names lists what can be measured: the backends that run on this machine, and the ciphers beside
// them.
func Names() []string {
	var names []string
	for _, s := range implementations() {
		names = append(names, s.name)
	}
	return names
}
