package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
	"github.com/arc4tun/arc4tun/internal/stats"
	"github.com/arc4tun/arc4tun/speed"
)

// figures are what the runs gave for one name in one job, in their order.
type figures struct {
	ratios []float64 // how many times as fast as libcrypto
	each   []float64 // seconds an operation takes
}

// measured is all that was measured.
type measured struct {
	machine  machine
	bytes    map[job]int // of an operation
	figures  map[job]map[string]figures
	names    []string       // those that are drawn, in arc4's order and then the peers
	portable []string       // those of names in pure Go
	chosen   map[job]string // the selected backends that do it
}

// machine is what figures depend on.
type machine struct {
	cpu, system, goVersion, libcrypto string
	avx512                            bool
	runs                              int
}

// measureFunc is speed.Run.
type measureFunc func(context.Context, speed.Config) (*speed.Report, error)

// measurer makes the runs.
type measurer struct {
	backends backends
	runs     int
	time     time.Duration
	progress *progress
	measure  measureFunc
	got      *measured
}

func newMeasurer(b backends, o options, p *progress) *measurer {
	got := &measured{
		bytes: map[job]int{}, figures: map[job]map[string]figures{}, chosen: map[job]string{}, portable: b.portable,
		names: append(slices.Clone(b.all), libcrypto.Name, goPeer),
	}
	for _, j := range jobs {
		got.chosen[j] = b.chosenFor(j.workload)
	}
	return &measurer{backends: b, runs: o.runs, time: o.time, progress: p, measure: speed.Run, got: got}
}

// all measures every job as often as asked for. The runs of a job lie apart, so that a neighbour
// who is busy for a while does not meet them all; where they disagree nevertheless there are a few
// more.
func (m *measurer) all(ctx context.Context) (*measured, error) {
	m.progress.start(len(jobs) * m.runs)
	defer m.progress.end()
	for range m.runs {
		for _, j := range jobs {
			if err := m.one(ctx, j); err != nil {
				return nil, err
			}
		}
	}
	for range extraRuns {
		again := m.disputed()
		m.progress.more(len(again))
		for _, j := range again {
			if err := m.one(ctx, j); err != nil {
				return nil, err
			}
		}
	}
	m.got.machine.runs = m.runs
	return m.got, nil
}

// disputed are the jobs in which runs of what the rows are about disagree.
func (m *measurer) disputed() []job {
	var list []job
	for _, r := range rows(m.backends) {
		if _, f := m.got.best(r); f.spread() > tolerance && !slices.Contains(list, r.job) {
			list = append(list, r.job)
		}
	}
	return list
}

var errInterrupted = errors.New("interrupted: nothing is written")

func (m *measurer) one(ctx context.Context, j job) error {
	m.progress.next(j)
	cfg := speed.Config{
		Names: j.names(m.backends), Workloads: []speed.Workload{j.workload}, Time: m.time, Peers: true, Observer: m.progress,
	}
	if j.bytes > 0 {
		cfg.Sizes = []int{j.bytes}
	}
	report, err := m.measure(ctx, cfg)
	switch {
	case err != nil:
		return err
	case report.Interrupted:
		return errInterrupted
	case report.Err() != nil:
		return report.Err()
	}
	m.got.machine = machineOf(report)
	if m.got.figures[j] == nil {
		m.got.figures[j] = map[string]figures{}
	}
	for _, r := range report.Results {
		f := m.got.figures[j][r.Name]
		f.ratios = append(f.ratios, r.Ratios[libcrypto.Name])
		f.each = append(f.each, 1/r.OpsPerSecond())
		m.got.figures[j][r.Name] = f
		m.got.bytes[j] = r.Bytes
	}
	return nil
}

// best gives what is fastest among the row's names, and its figures.
func (m *measured) best(r row) (name string, f figures) {
	for _, n := range r.names {
		if g, there := m.figures[r.job][n]; there && (name == "" || g.ratio() > f.ratio()) {
			name, f = n, g
		}
	}
	return name, f
}

// ratio is the median of the runs.
func (f figures) ratio() float64 { return stats.Median(f.ratios) }

// seconds is what an operation takes, in the median of the runs.
func (f figures) seconds() float64 { return stats.Median(f.each) }

// spread is by which share the highest ratio of the runs exceeds the lowest.
func (f figures) spread() float64 {
	if len(f.ratios) == 0 {
		return 0
	}
	return slices.Max(f.ratios)/slices.Min(f.ratios) - 1
}
