package speed

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// Observer is told what is being measured. Its methods are never called at the same time, nor while
// a measurement runs.
type Observer interface {
	// Planned is called first, with how many measurements there will be and how long they take in
	// all.
	Planned(measurements int, total time.Duration)
	// Begin is called when the measuring of a case starts.
	Begin(Case)
	// Rounds takes the place of Begin in a comparison, see Config.Peers: the cases are being
	// measured in turns, and so many of all rounds are done. It is called with 0 first.
	Rounds(cases []Case, done, all int)
	// End is called with the outcome.
	End(Result)
}

// Progress writes openssl's lines while measuring goes on: "Doing u32 for 3s on 1024 size blocks:
// 123 u32's in 3.00s".
// A comparison has a line that counts up instead, and the results when it is done. Where all of it
// takes longer than [LongRun], how long is said first, and how long it still takes behind every
// result. It is an [Observer].
type Progress struct {
	Out io.Writer

	all, done int // measurements
	left      time.Duration
}

// LongRun is how long measuring may take before somebody should hear how long it takes.
const LongRun = 15 * time.Second

// Planned says how long all of it takes, if that is long.
func (p *Progress) Planned(measurements int, total time.Duration) {
	if total <= LongRun {
		return
	}
	p.all, p.left = measurements, total
	fmt.Fprintf(p.Out, "%d measurements take %v in all\n", measurements, total.Round(time.Second))
}

// Begin writes the first half of the line.
func (p *Progress) Begin(c Case) {
	fmt.Fprintf(p.Out, "Doing %s for %ss%s: ", label(c.Name, c.Workload), seconds(c), blocks(c))
}

// Rounds writes the line of a comparison again, with what is done by now.
func (p *Progress) Rounds(cases []Case, done, all int) {
	c := cases[0]
	fmt.Fprintf(p.Out, "\rDoing %d in turns, %s for %ss%s: %d%%", len(cases), c.Workload, seconds(c), blocks(c), 100*done/all)
	if done == all {
		fmt.Fprintln(p.Out)
	}
}

// End writes the second half, or a result of a comparison.
func (p *Progress) End(r Result) {
	fmt.Fprintf(p.Out, "%d %s's in %.2fs%s\n", r.Ops, label(r.Name, r.Workload), r.Seconds, p.toGo(r.Time))
}

// toGo says what is left to do after a measurement.
func (p *Progress) toGo(took time.Duration) string {
	if p.all == 0 {
		return ""
	}
	p.done++
	p.left -= took
	return fmt.Sprintf(" (%d of %d, %v left)", p.done, p.all, max(0, p.left).Round(time.Second))
}

func seconds(c Case) string { return strconv.FormatFloat(c.Time.Seconds(), 'g', 6, 64) }

// blocks names the size, if the workload has one.
func blocks(c Case) string {
	if !c.Workload.sized() {
		return ""
	}
	return fmt.Sprintf(" on %d size blocks", c.Bytes)
}

// MRProgress writes the lines that `openssl speed -mr` has for the same, one for every worker:
// "+DT:NAME:SECONDS:BYTES" and "+R:OPERATIONS:NAME:SECONDS". It is an [Observer].
type MRProgress struct{ Out io.Writer }

// Planned writes nothing: openssl has no line for it.
func (p *MRProgress) Planned(int, time.Duration) {}

// Rounds writes the +DT lines of all cases when they begin.
func (p *MRProgress) Rounds(cases []Case, done, _ int) {
	if done > 0 {
		return
	}
	for _, c := range cases {
		p.Begin(c)
	}
}

// Begin writes the +DT lines.
func (p *MRProgress) Begin(c Case) {
	for range c.Workers {
		fmt.Fprintf(p.Out, "+DT:%s:%s:%d\n", label(c.Name, c.Workload), seconds(c), c.Bytes)
	}
}

// End writes the +R lines.
func (p *MRProgress) End(r Result) {
	for _, s := range r.samples {
		fmt.Fprintf(p.Out, "+R:%d:%s:%f\n", s.ops, label(r.Name, r.Workload), s.seconds)
	}
}
