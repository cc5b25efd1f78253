// Package progressbar draws the bar that programs of this project show on a terminal while they
// measure: how far they are, and how long it still takes. `arc4 speed tunnel`, `arc4 demo` and the
// programs in tools/ use it, and say what they like where there is no terminal.
//
// The libraries for bars weigh a quarter of a megabyte and more, on a router too, where `arc4
// speed` asks for the terminal: this is what is needed of them.
package progressbar

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// The line has room in the 80 columns of a terminal.
const (
	barLength     = 28 // characters
	messageLength = 28
	redraw        = 100 * time.Millisecond
)

// Bar is a line on a terminal: a bar, the time left, and what is going on. A nil Bar shows nothing,
// and all its methods may be called. A bar that cannot be drawn is no reason to stop: nothing
// fails.
type Bar struct {
	out   io.Writer
	began time.Time
	stop  func()

	mu          sync.Mutex
	step, steps int64
	what        string
	shown       bool // the line is on the screen, and the cursor below it
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
	b := &Bar{out: w, began: time.Now(), steps: steps}
	b.stop = every(redraw, func() { b.draw("") })
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
		b.mu.Lock()
		defer b.mu.Unlock()
		b.what = what
	}
}

// Set moves the bar to a step. All of them are done only at the End.
func (b *Bar) Set(step int64) {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.step = max(0, min(step, b.steps-1))
	}
}

// Grow changes how many steps there are.
func (b *Bar) Grow(steps int64) {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.steps = steps
	}
}

// Say prints a line above the bar.
func (b *Bar) Say(format string, values ...any) {
	if b != nil {
		b.draw(fmt.Sprintf(format, values...) + "\n")
	}
}

// End takes the bar away.
func (b *Bar) End() {
	if b == nil {
		return
	}
	b.stop()
	if b.shown {
		_, _ = io.WriteString(b.out, lineBack)
	}
}

// lineBack goes to the line above and erases it (ECMA-48: CUU, EL).
const lineBack = "\x1b[A\x1b[K"

// draw puts the line, below what is said, in the place of the one before. It is written at once, so
// that it does not flicker, and ends with a newline, so that whatever else is written to the
// terminal begins in a line of its own.
func (b *Bar) draw(said string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := said + line(b.step, b.steps, time.Since(b.began), b.what) + "\n"
	if b.shown {
		text = lineBack + text
	}
	_, _ = io.WriteString(b.out, text)
	b.shown = true
}

// line is the bar at a step of so many, a time after it began.
func line(step, steps int64, past time.Duration, what string) string {
	done := float64(step) / float64(max(1, steps))
	full := int(done * barLength)
	left := ""
	if step > 0 {
		rest := time.Duration(float64(past) * (1 - done) / done)
		left = (rest + time.Second - 1).Truncate(time.Second).String() + " left"
	}
	if runes := []rune(what); len(runes) > messageLength {
		what = string(runes[:messageLength-1]) + "~"
	}
	return strings.TrimRight(fmt.Sprintf("%3.0f%% [%s%s] %11s  %s", 100*done,
		strings.Repeat("#", full), strings.Repeat(".", barLength-full), left, what), " ")
}

// Follow moves the bar to where step says, several times a second, until stop is called.
func (b *Bar) Follow(step func() int64) (stop func()) {
	if b == nil {
		return func() {}
	}
	return every(redraw, func() { b.Set(step()) })
}

// every calls do again and again, with so long between, until stop is called, which waits for the
// last call.
func every(period time.Duration, do func()) (stop func()) {
	done := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				do()
			}
		}
	})
	return func() {
		close(done)
		ended.Wait()
	}
}
