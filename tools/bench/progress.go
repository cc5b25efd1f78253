package main

import (
	"fmt"
	"io"
	"time"

	"github.com/arc4tun/arc4tun/internal/progressbar"
	"github.com/arc4tun/arc4tun/speed"
)

// partsPerJob is in how many steps a bar shows the rounds of a job.
const partsPerJob = 100

// progress says how far the measuring is: a bar on a terminal, a line a job elsewhere. It is a
// [speed.Observer].
type progress struct {
	out  io.Writer
	bar  *progressbar.Bar
	done int // jobs before the one that is being measured
	all  int
	any  bool // a job was begun
}

func newProgress(out io.Writer) *progress {
	return &progress{out: out, bar: progressbar.New(out, 1)}
}

// start says how many jobs there will be.
func (p *progress) start(jobs int) {
	p.more(jobs)
}

// more says that there will be more.
func (p *progress) more(jobs int) {
	p.all += jobs
	p.bar.Grow(int64(p.all * partsPerJob))
}

// next begins a job.
func (p *progress) next(j job) {
	if p.any {
		p.done++
	}
	p.any = true
	what := string(j.workload)
	if j.bytes > 0 {
		what += fmt.Sprintf(" %d B", j.bytes)
	}
	if p.bar == nil {
		fmt.Fprintf(p.out, "measuring %d of %d: %s\n", p.done+1, p.all, what)
		return
	}
	p.bar.Describe(fmt.Sprintf("%-18s", what))
}

// Planned has nothing to say: the number of jobs is known.
func (p *progress) Planned(int, time.Duration) {}

// Rounds moves the bar.
func (p *progress) Rounds(_ []speed.Case, done, all int) {
	p.bar.Set(int64(p.done*partsPerJob + min(partsPerJob*done/all, partsPerJob-1)))
}

// Begin has nothing to say beside Rounds.
func (p *progress) Begin(speed.Case) {}

// End has nothing to say: the table does.
func (p *progress) End(speed.Result) {}

// end takes the bar away.
func (p *progress) end() { p.bar.End() }
