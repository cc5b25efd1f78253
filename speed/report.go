package speed

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

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
	Interrupted           bool // the context ended before everything was measured
	// Peers are what Results have ratios to, the one that tables show first; empty without
	// Config.Peers.
	Peers []string
	// Libcrypto is its version, and the RC4 implementation it picked; empty if this build has none.
	Libcrypto string

	names []string // all names there are; a name's place is its number in WriteMR
}

// Err is nil, or says which failures the report holds.
func (r *Report) Err() error {
	var errs []error
	for _, f := range r.Failed {
		errs = append(errs, fmt.Errorf("%s failed its self-test and was not timed: %w", f.Name, f.Err))
	}
	return errors.Join(errs...)
}

// section is what the formats for reading show together: one workload, a row for each name, a
// column for each size.
type section struct {
	workload Workload
	sizes    []int
	rows     []row
	spread   spread
}

// spread is the worst disagreement among repetitions of one case: the fastest is faster than the
// slowest by this share.
type spread struct {
	share float64
	of    Case
}

// row is one name; results are in the order of the section's sizes, and nil where nothing was
// measured.
type row struct {
	name    string
	number  int // in the list of all names
	results []*Result
	ratios  []map[string]float64 // of each result to the peers
}

// sections sorts the results into tables. Of a case that was measured several times it takes the
// median, the faster of the two in the middle.
func (r *Report) sections() []section {
	var out []section
	for i := range r.Results {
		w := r.Results[i].Workload
		if slices.ContainsFunc(out, func(s section) bool { return s.workload == w }) {
			continue
		}
		out = append(out, r.section(w))
	}
	return out
}

func (r *Report) section(w Workload) section {
	s := section{workload: w}
	var names []string
	cells := map[Case][]*Result{}
	key := func(name string, size int) Case { return Case{Name: name, Workload: w, Bytes: size} }
	for i := range r.Results {
		result := &r.Results[i]
		if result.Workload != w {
			continue
		}
		names = append(names, result.Name)
		s.sizes = append(s.sizes, result.Bytes)
		k := key(result.Name, result.Bytes)
		cells[k] = append(cells[k], result)
	}
	s.sizes = unique(s.sizes)
	for _, name := range unique(names) {
		line := row{name: name, number: slices.Index(r.names, name)}
		for _, size := range s.sizes {
			repeated := cells[key(name, size)]
			line.results = append(line.results, median(repeated))
			line.ratios = append(line.ratios, r.medianRatios(repeated))
			if n := len(repeated); n > 1 { // median has sorted them
				if share := repeated[n-1].OpsPerSecond()/repeated[0].OpsPerSecond() - 1; share >= s.spread.share {
					s.spread = spread{share, repeated[0].Case}
				}
			}
		}
		s.rows = append(s.rows, line)
	}
	return s
}

// median sorts list by rate and returns the middle; nil of none.
func median(list []*Result) *Result {
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b *Result) int { return cmp.Compare(a.OpsPerSecond(), b.OpsPerSecond()) })
	return list[len(list)/2]
}

// medianRatios are the medians of each ratio by itself.
func (r *Report) medianRatios(list []*Result) map[string]float64 {
	medians := map[string]float64{}
	for _, peer := range r.Peers {
		var ratios []float64
		for _, result := range list {
			if ratio, measured := result.Ratios[peer]; measured {
				ratios = append(ratios, ratio)
			}
		}
		if len(ratios) > 0 {
			medians[peer] = middle(ratios)
		}
	}
	return medians
}

// base is the peer whose ratios tables show; empty if there is none.
func (r *Report) base() string {
	if len(r.Peers) == 0 {
		return ""
	}
	return r.Peers[0]
}

// label is what the formats that have one name a row call it: openssl's name for the plain stream,
// NAME/WORKLOAD else.
func label(name string, w Workload) string {
	if w == Stream {
		return name
	}
	return name + "/" + string(w)
}
