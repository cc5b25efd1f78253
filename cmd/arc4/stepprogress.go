package main

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// stepProgress says which of several timed measurements is going on: a bar on a terminal, nothing
// elsewhere.
type stepProgress struct {
	bar  *progressbar.ProgressBar // nil: nothing is said
	past time.Duration            // of the measurements before this one
	now  time.Duration            // the length of this one
}

func newStepProgress(stderr io.Writer, total time.Duration) *stepProgress {
	p := &stepProgress{}
	if isTerminal(stderr) {
		p.bar = progressbar.NewOptions64(total.Milliseconds(),
			progressbar.OptionSetWriter(stderr), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionSetElapsedTime(false))
	}
	return p
}

// begin names the next measurement.
func (p *stepProgress) begin(what string, length time.Duration) {
	p.past, p.now = p.past+p.now, length
	if p.bar != nil {
		p.bar.Describe(what)
	}
}

// tick moves the bar while a measurement goes on, until stop is called.
func (p *stepProgress) tick() (stop func()) {
	if p.bar == nil {
		return func() {}
	}
	done := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		began := time.Now()
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				// A bar that cannot be drawn is no reason to stop.
				_ = p.bar.Set64((p.past + min(time.Since(began), p.now)).Milliseconds())
			}
		}
	})
	return func() {
		close(done)
		ended.Wait()
	}
}

// end takes the bar away.
func (p *stepProgress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
