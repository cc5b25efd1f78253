// Package progressbar draws the bar that programs of this project show on a terminal while they
// measure: how far they are, and how long it still takes. `arc4 speed tunnel`, `arc4 demo` and the
// programs in tools/ use it, and say what they like where there is no terminal.
package progressbar

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// Bar is a line on a terminal: what is going on, a bar, and the time left. A nil Bar shows nothing,
// and all its methods may be called. A bar that cannot be drawn is no reason to stop: nothing
// fails.
type Bar struct {
	out   io.Writer
	lines progress.Writer
	bar   *progress.Tracker
	steps atomic.Int64
	ended chan struct{}
}

// New makes a bar of so many steps, until End is called; nil if w is no terminal.
func New(w io.Writer, steps int64) *Bar {
	if !IsTerminal(w) {
		return nil
	}
	return show(w, steps)
}

// show begins to draw.
func show(w io.Writer, steps int64) *Bar {
	b := &Bar{out: w, lines: progress.NewWriter(), bar: &progress.Tracker{Total: steps}, ended: make(chan struct{})}
	b.steps.Store(steps)
	b.lines.SetOutputWriter(w)
	b.lines.SetUpdateFrequency(100 * time.Millisecond)
	b.lines.SetTrackerLength(30)
	b.lines.SetMessageLength(28)
	style := b.lines.Style()
	style.Visibility.ETA, style.Visibility.Value, style.Visibility.Time = true, false, false
	b.lines.AppendTracker(b.bar)
	go func() {
		defer close(b.ended)
		b.lines.Render()
	}()
	return b
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Describe names what is going on.
func (b *Bar) Describe(what string) {
	if b != nil {
		b.bar.UpdateMessage(what)
	}
}

// Set moves the bar to a step. All of them are done only at the End.
func (b *Bar) Set(step int64) {
	if b != nil {
		b.bar.SetValue(min(step, b.steps.Load()-1))
	}
}

// Grow changes how many steps there are.
func (b *Bar) Grow(steps int64) {
	if b != nil {
		b.steps.Store(steps)
		b.bar.UpdateTotal(steps)
	}
}

// Say prints a line above the bar.
func (b *Bar) Say(format string, values ...any) {
	if b != nil {
		b.lines.Log("%s", fmt.Sprintf(format, values...))
	}
}

// End takes the bar away.
func (b *Bar) End() {
	if b == nil {
		return
	}
	b.bar.MarkAsDone()
	b.lines.Stop()
	<-b.ended
	_, _ = io.WriteString(b.out, text.CursorUp.Sprint()+text.EraseLine.Sprint())
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
