package main

import (
	"io"
	"time"

	"github.com/arc4tun/arc4tun/internal/progressbar"
)

// stepProgress says which of several timed measurements is going on: a bar on a terminal, nothing
// elsewhere.
type stepProgress struct {
	bar  *progressbar.Bar
	past time.Duration // of the measurements before this one
	now  time.Duration // the length of this one
}

func newStepProgress(stderr io.Writer, total time.Duration) *stepProgress {
	return &stepProgress{bar: progressbar.New(stderr, total.Milliseconds())}
}

// begin names the next measurement.
func (p *stepProgress) begin(what string, length time.Duration) {
	p.past, p.now = p.past+p.now, length
	p.bar.Describe(what)
}

// tick moves the bar while a measurement goes on, until stop is called.
func (p *stepProgress) tick() (stop func()) {
	began := time.Now()
	return p.bar.Follow(func() int64 { return (p.past + min(time.Since(began), p.now)).Milliseconds() })
}

// end takes the bar away.
func (p *stepProgress) end() { p.bar.End() }
