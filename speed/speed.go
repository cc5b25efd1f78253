// Package speed measures the RC4 backends, and a few other ciphers beside them, the way `openssl speed` does: each
// cipher at each block size for a fixed time, as bytes a second.
//
// Whatever sets a key is given a fresh one every time. RC4's fast implementations branch on the data, and a branch
// predictor learns the collisions of a key that comes back: with one key, or a small set of them, such code measures
// up to a fifth faster than it is. See [Workload] for what is timed.
package speed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
)

// Limits of [Config], for those who check flags.
const (
	MinTime    = time.Millisecond
	MaxTime    = time.Hour
	MaxWorkers = 256
	MaxCount   = 1000
)

// DefaultTime is how long each size of each cipher is measured, as in openssl.
const DefaultTime = 3 * time.Second

// DefaultSizes are openssl's block sizes, and the usual payload of a tunnel's packet.
var DefaultSizes = []int{16, 64, 256, 1024, 1400, 8192, 16384}

// Config says what to measure. The zero value measures everything that [Names] lists, in the workload [Stream], for
// [DefaultTime] at each of [DefaultSizes], with one worker, against CPU time.
type Config struct {
	Names     []string      // what to measure, in this order; see [Names]
	Workloads []Workload    // in this order
	Sizes     []int         // bytes
	Time      time.Duration // for each name, workload and size
	Workers   int           // measure with so many threads at once and add up their rates
	Elapsed   bool          // divide by wall time instead of CPU time
	Count     int           // measure everything so many times, in turns: A B A B
	Peers     bool          // measure libcrypto, if this build has it, and crypto/rc4 in turns with the others, and give ratios
	Version   string        // of the program, for the report
	Observer  Observer      // told as measuring goes on; may be nil
}

// AllRC4 among the names of [Config] stands for every RC4 there is: the backends, libcrypto and crypto/rc4.
const AllRC4 = "rc4"

// PlanObserver is an [Observer] that is told, before the first, how many measurements there will be and how long they take
// in all.
type PlanObserver interface {
	Observer
	Planned(measurements int, total time.Duration)
}

// Observer is told what is being measured. Its methods are never called at the same time, nor while a measurement runs.
type Observer interface {
	Begin(Case) // measuring of Case starts
	End(Result) // and has ended
}

// Case is one thing to measure.
type Case struct {
	Name     string
	Workload Workload
	Bytes    int // 0 if the workload has no size
	Time     time.Duration
	Workers  int
}

// Result is one measurement.
type Result struct {
	Case
	Ops     uint64   // of all workers
	Seconds float64  // Ops divided by the sum of the workers' rates: for one worker, its time; see Config.Peers
	Samples []Sample // one a worker
	// Ratios says, with Config.Peers, how many times as fast as each peer this is: the median of the rounds' ratios. Seconds
	// is then Ops times what an operation takes in the median round.
	Ratios map[string]float64

	perOp []float64 // seconds an operation takes, in each round
}

// Sample is what one worker did.
type Sample struct {
	Ops     uint64
	Seconds float64 // CPU or wall time, as asked for
}

// OpsPerSecond is the rate of all workers together.
func (r Result) OpsPerSecond() float64 { return float64(r.Ops) / r.Seconds }

// BytesPerSecond is the rate of all workers together; 0 if the workload has no size.
func (r Result) BytesPerSecond() float64 { return r.OpsPerSecond() * float64(r.Bytes) }

// Failure is something that was not measured because it computes the wrong thing.
type Failure struct {
	Name string
	Err  error
}

// Report is everything that one run measured. Its Write methods are the output formats.
type Report struct {
	Version, GOOS, GOARCH string
	CPU                   CPU
	Selected, Why         string // the backend that arc4 selects, and why; see arc4.Selected
	Workers               int
	Wall                  bool // rates are per second of wall time, not of CPU time
	Results               []Result
	Failed                []Failure
	Interrupted           bool     // the context ended before everything was measured
	Peers                 []string // what Results have ratios to, the one that tables show first; empty without Config.Peers
	Libcrypto             string   // its version, and the RC4 implementation it picked; empty if this build has none

	names []string // all names there are; a name's place is its number in WriteMR
}

// ConfigError is a value in a [Config] that cannot be: the message names it and the remedy.
type ConfigError struct{ message string }

func (e *ConfigError) Error() string { return e.message }

func configError(format string, args ...any) error {
	return &ConfigError{fmt.Sprintf(format, args...)}
}

// Run measures what cfg asks for. If ctx ends it stops within milliseconds, and the report holds what was measured so
// far. The error is a [ConfigError], or says why a cipher cannot be set up.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	r := runner{subjects: subjects(), clock: newThreadClock, seed: rand.Uint64()}
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
	subjects []subject
	clock    func() clock
	seed     uint64 // of the keys
}

// task is one case together with what it runs on.
type task struct {
	Case
	subject *subject
}

func (r *runner) run(ctx context.Context, cfg Config) (*Report, error) {
	cfg = cfg.withDefaults()
	tasks, failed, err := r.plan(&cfg)
	if err != nil {
		return nil, err
	}
	report := &Report{
		Version: cfg.Version, GOOS: runtime.GOOS, GOARCH: runtime.GOARCH,
		Workers: cfg.Workers, Wall: cfg.Elapsed || !hasCPUTime, Failed: failed,
	}
	for i := range r.subjects {
		report.names = append(report.names, r.subjects[i].name)
	}
	if o, ok := cfg.Observer.(PlanObserver); ok {
		n := len(tasks) * cfg.Count
		o.Planned(n, time.Duration(n)*cfg.Time)
	}
	if cfg.Peers {
		report.Peers = r.peersAmong(tasks)
		return report, r.runInTurns(ctx, cfg, tasks, report)
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

func (c Config) withDefaults() Config {
	if len(c.Workloads) == 0 {
		c.Workloads = []Workload{Stream}
	}
	if len(c.Sizes) == 0 {
		c.Sizes = DefaultSizes
	}
	c.Time = cmp.Or(c.Time, DefaultTime)
	c.Workers = cmp.Or(c.Workers, 1)
	c.Count = cmp.Or(c.Count, 1)
	return c
}

// plan checks the configuration and lists what is to be measured, workload by workload, and what failed its self-test.
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

func (c *Config) checkNumbers() error {
	switch {
	case c.Time < MinTime || c.Time > MaxTime:
		return configError("cannot measure for %v: give %v to %v", c.Time, MinTime, MaxTime)
	case c.Workers < 1 || c.Workers > MaxWorkers:
		return configError("cannot measure with %d workers: give 1 to %d", c.Workers, MaxWorkers)
	case c.Count < 1 || c.Count > MaxCount:
		return configError("cannot measure %d times: give 1 to %d", c.Count, MaxCount)
	}
	return nil
}

// choose finds the subjects called names, and the peers if they are wanted; no names stand for all that are measured
// unasked.
func (r *runner) choose(names []string, peers bool) ([]*subject, error) {
	var chosen []*subject
	for _, name := range unique(names) {
		if name == AllRC4 {
			for i := range r.subjects {
				if k := r.subjects[i].kind; k == ours || k == peer {
					chosen = append(chosen, &r.subjects[i])
				}
			}
			continue
		}
		at := slices.IndexFunc(r.subjects, func(s subject) bool { return s.name == name })
		if at < 0 {
			var known []string
			for i := range r.subjects {
				known = append(known, r.subjects[i].name)
			}
			return nil, configError("unknown name %q: give any of %s, or %s for every RC4", name, strings.Join(known, ", "), AllRC4)
		}
		chosen = append(chosen, &r.subjects[at])
	}
	for i := range r.subjects {
		s := &r.subjects[i]
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
	for i := range r.subjects {
		s := &r.subjects[i]
		if s.kind == peer && slices.ContainsFunc(tasks, func(t task) bool { return t.subject == s }) {
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

// combine adds up the rates of the workers. It is false if they were stopped before they had measured anything.
func combine(c Case, samples []Sample) (Result, bool) {
	result := Result{Case: c, Samples: samples}
	rate := 0.0
	for _, s := range samples {
		if s.Ops == 0 || s.Seconds <= 0 {
			return Result{}, false
		}
		result.Ops += s.Ops
		rate += float64(s.Ops) / s.Seconds
	}
	result.Seconds = float64(result.Ops) / rate
	return result, len(samples) > 0
}

// Names lists what can be measured: the backends that run on this machine, and the ciphers beside them.
func Names() []string {
	var names []string
	for _, s := range subjects() {
		names = append(names, s.name)
	}
	return names
}

// Err is nil, or says which failures the report holds.
func (r *Report) Err() error {
	var errs []error
	for _, f := range r.Failed {
		errs = append(errs, fmt.Errorf("%s failed its self-test and was not timed: %w", f.Name, f.Err))
	}
	return errors.Join(errs...)
}
