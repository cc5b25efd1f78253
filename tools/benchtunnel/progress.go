package main

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress says what is going on: a bar on a terminal, a line for each step elsewhere.
type progress struct {
	out  io.Writer
	bar  *progressbar.ProgressBar
	done int
}

func newProgress(w io.Writer, steps int) *progress {
	p := &progress{out: w}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions(steps, progressbar.OptionSetWriter(w), progressbar.OptionSetWidth(30),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true), progressbar.OptionSetElapsedTime(false))
	}
	return p
}

// step names what begins.
func (p *progress) step(what string) {
	if p.bar == nil {
		fmt.Fprintln(p.out, what)
		return
	}
	p.bar.Describe(what)
	// A bar that cannot be drawn is no reason to stop.
	_ = p.bar.Set(p.done)
	p.done++
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
