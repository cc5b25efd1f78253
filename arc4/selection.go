package arc4

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Environment is the environment variable that names the backend to select
// instead of the fastest, or several for different work; its syntax is that of
// [Lookup].
const Environment = "ARC4_BACKEND"

// sameSpeed is how much longer than the fastest a backend may take, in percent,
// and still count as fast: that little differs from one run to the next anyway.
const sameSpeed = 3

// rankedSpeed is the same among backends that are ranked: what is listed later has fewer
// instructions for everything, and is taken unless the clock contradicts it clearly. Of one
// backend and its next there are 15 percent between the counts, and emulators and busy machines
// differ by less from one run to the next.
const rankedSpeed = 15

// Selection is the choice of a backend for one workload.
type Selection struct {
	Workload Workload
	// Backend is nil if none could be selected.
	Backend *Backend
	// Why is the name of the environment variable that says so, or what was
	// measured; without a backend it is what is wrong.
	Why string
	// Times has all backends that were measured, in the order of [Backends]. It
	// is empty if the environment left nothing to choose. Portable backends are
	// not measured where assembly is known to be faster.
	Times []Timing
}

// Timing is what a backend took for [MeasuredBytes] of a workload.
type Timing struct {
	Backend *Backend
	Time    time.Duration
}

// Selections returns what was selected for each workload, in the order of
// [Workloads]. What has not been measured yet it measures, as [Lookup] does.
func Selections() []Selection {
	var list []Selection
	for _, w := range Workloads() {
		c := selected().choose(w)
		s := Selection{Workload: w, Backend: c.backend, Why: c.why, Times: slices.Clone(c.times)}
		if c.err != nil {
			s.Why = c.err.Error()
		}
		list = append(list, s)
	}
	return list
}

// Selected returns the backend that [Lookup] gives for "auto" and why it is that
// one: because the environment variable ARC4_BACKEND says so, or because it was
// the fastest of those that passed their self-test. The choice is made once for
// each workload, when it is first needed, and takes a few milliseconds. If
// ARC4_BACKEND names no usable backend, Selected returns nil and what is wrong,
// which is also the error of [New].
func Selected() (b *Backend, why string) {
	b, err := selected().whole()
	if err != nil {
		return nil, err.Error()
	}
	return b, selected().why()
}

// selected is the selector of this process. It is made when it is first needed,
// so that a program which names its backend pays for nothing.
var selected = sync.OnceValue(func() *selector {
	start := time.Now()
	return newSelector(known, os.Getenv(Environment), func() time.Duration { return time.Since(start) })
})

// selector selects from the backends it is made with.
type selector struct {
	known []*Backend
	clock func() time.Duration // a running clock
	// named has what the environment names, and nil where it leaves the choice.
	named parts
	err   error // what is wrong with the environment
	sound func() candidates
	once  [workloads]func() choice
}

// choice is the outcome for one workload.
type choice struct {
	backend *Backend
	why     string
	times   []Timing
	err     error
}

// candidates are the backends that can be selected, and what to say of those
// that failed their self-test.
type candidates struct {
	backends []*Backend
	ranked   bool // all of them
	failed   string
}

// margin is how much longer than the fastest one may take and still count as fast, in percent.
func (c candidates) margin() int {
	if c.ranked {
		return rankedSpeed
	}
	return sameSpeed
}

// newSelector makes a selector that follows the value of the environment
// variable.
func newSelector(known []*Backend, environment string, clock func() time.Duration) *selector {
	s := &selector{known: known, clock: clock}
	s.sound = sync.OnceValue(s.test)
	for w := range s.once {
		s.once[w] = sync.OnceValue(func() choice { return s.chooseNow(Workload(w)) })
	}
	if !isAuto(environment) {
		if err := s.follow(environment); err != nil {
			s.err = fmt.Errorf("%s=%s: %w", Environment, environment, err)
		}
	}
	return s
}

// follow finds the backends that the environment names.
func (s *selector) follow(environment string) error {
	names, err := split(environment)
	if err != nil {
		return err
	}
	for w, name := range names {
		if name == "auto" {
			continue
		}
		if s.named[w], err = lookupOne(s.known, name); err != nil {
			return err
		}
	}
	return nil
}

// test finds the backends that run here and pass their self-test. Those that are not ranked are
// left alone where one is that is: they cannot be the fastest, and on a slow machine they cost most
// of the time.
func (s *selector) test() (c candidates) {
	for _, ranked := range []bool{true, false} {
		for _, b := range s.known {
			if b.missing != "" || b.ranked != ranked {
				continue
			}
			if err := b.SelfTest(); err != nil {
				c.failed += fmt.Sprintf("; %s failed: %v", b.name, err)
				continue
			}
			c.backends = append(c.backends, b)
		}
		if c.ranked = ranked; len(c.backends) > 0 {
			break
		}
	}
	return c
}

// choose gives the choice for w.
func (s *selector) choose(w Workload) choice { return s.once[w]() }

func (s *selector) chooseNow(w Workload) choice {
	if s.err != nil {
		return choice{err: s.err}
	}
	if b := s.named[w]; b != nil {
		return choice{backend: b, why: Environment}
	}
	sound := s.sound()
	if len(sound.backends) == 0 {
		return choice{err: errors.New("arc4: no usable backend" + sound.failed)}
	}
	c := choice{times: measure(w, sound.backends, sound.effort(), s.clock)}
	list := byTime(c.times)
	c.backend = list[0].Backend
	var figures []string
	for _, t := range list {
		figures = append(figures, fmt.Sprintf("%s %s", t.Backend.name, t))
	}
	c.why = fmt.Sprintf("fastest of %d: %s", len(list), strings.Join(figures, ", "))
	if b, why := s.equal(w, c.times, list[0].Time, sound.margin()); b != c.backend {
		c.backend = b
		c.why = fmt.Sprintf("within %d%% of the %s, and %s", sound.margin(), c.why, why)
	}
	c.why += sound.failed
	return c
}

// byTime is the shortest first; of those that take as long, the one that stands first.
func byTime(times []Timing) []*Timing {
	list := make([]*Timing, len(times)) // a sort of pointers is in a router's build already
	for i := range times {
		list[i] = &times[i]
	}
	slices.SortFunc(list, func(a, b *Timing) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(slices.Index(times, *a), slices.Index(times, *b)))
	})
	return list
}

// equal gives one of those that count as fast, and why that one: the backend of
// an earlier workload, so that one backend does all where the clock shows no
// difference; or else the last, since backends are listed from the plainest on,
// so that the same is selected every time.
func (s *selector) equal(w Workload, times []Timing, fastest time.Duration, margin int) (b *Backend, why string) {
	var fast []*Backend
	for _, t := range times {
		if t.Time*100 <= fastest*time.Duration(100+margin) {
			fast = append(fast, t.Backend)
		}
	}
	for before := w - 1; before >= 0; before-- {
		if b := s.choose(before).backend; slices.Contains(fast, b) {
			return b, fmt.Sprintf("selected for %v too", before)
		}
	}
	return fast[len(fast)-1], "listed last of those"
}

// whole gives the backend for all work.
func (s *selector) whole() (*Backend, error) {
	var p parts
	for w := range p {
		c := s.choose(Workload(w))
		if c.err != nil {
			return nil, c.err
		}
		p[w] = c.backend
	}
	return compose(p), nil
}

// why says in a line why whole gives what it does.
func (s *selector) why() string {
	var of int
	var list []string
	for w := range s.once {
		c := s.choose(Workload(w))
		figure := Environment
		for _, t := range c.times {
			if of = len(c.times); t.Backend == c.backend {
				figure = t.String()
			}
		}
		list = append(list, fmt.Sprintf("%v %s %s", Workload(w), c.backend.name, figure))
	}
	if of == 0 {
		return Environment
	}
	return fmt.Sprintf("fastest of %d on %d bytes: %s%s", of, MeasuredBytes, strings.Join(list, ", "), s.sound().failed)
}

// String gives the time in microseconds.
func (t Timing) String() string {
	return fmt.Sprintf("%.2f us", float64(t.Time)/float64(time.Microsecond))
}
