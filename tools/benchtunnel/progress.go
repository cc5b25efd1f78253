package main

import (
	"fmt"
	"io"

	"github.com/arc4tun/arc4tun/internal/progressbar"
)

// progress says what is going on: a bar on a terminal, a line for each step elsewhere.
type progress struct {
	out  io.Writer
	bar  *progressbar.Bar
	done int64
}

func newProgress(w io.Writer, steps int) *progress {
	return &progress{out: w, bar: progressbar.New(w, int64(steps))}
}

// step names what begins.
func (p *progress) step(what string) {
	if p.bar == nil {
		fmt.Fprintln(p.out, what)
		return
	}
	p.bar.Describe(what)
	p.bar.Set(p.done)
	p.done++
}

// end takes the bar away.
func (p *progress) end() { p.bar.End() }
