// Package progressbar draws the bar that programs of this project show on a terminal while they
// measure: how far they are, and how long it still takes. `arc4 speed tunnel`, `arc4 demo` and the
// programs in tools/ use it, and say what they like where there is no terminal.
package progressbar

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Bar is a bar on a terminal. A nil Bar shows nothing, and all its methods may be called. A bar
// that cannot be drawn is no reason to stop: nothing fails.
type Bar struct{ bar *progressbar.ProgressBar }

// New makes a bar of so many steps; nil if w is no terminal.
func New(w io.Writer, steps int64) *Bar {
	if !IsTerminal(w) {
		return nil
	}
	return &Bar{progressbar.NewOptions64(steps, progressbar.OptionSetWriter(w), progressbar.OptionSetWidth(30),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true), progressbar.OptionSetElapsedTime(false))}
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Describe names what is going on.
func (b *Bar) Describe(what string) {
	if b != nil {
		b.bar.Describe(what)
	}
}

// Set moves the bar to a step.
func (b *Bar) Set(step int64) {
	if b != nil {
		_ = b.bar.Set64(step)
	}
}

// Grow changes how many steps there are.
func (b *Bar) Grow(steps int64) {
	if b != nil {
		b.bar.ChangeMax64(steps)
	}
}

// Clear takes the bar away, until it is moved again.
func (b *Bar) Clear() {
	if b != nil {
		_ = b.bar.Clear()
	}
}

// Follow moves the bar to where step says, several times a second, until stop is called.
func (b *Bar) Follow(step func() int64) (stop func()) {
	if b == nil {
		return func() {}
	}
	done := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				b.Set(step())
			}
		}
	})
	return func() {
		close(done)
		ended.Wait()
	}
}
