//go:build !nodemo || !nospeedtunnel

package report

import (
	"io"
	"time"

	"github.com/arc4tun/arc4tun/internal/progressbar"
)

// Progress says which of several timed measurements is going on: a bar on a terminal, nothing
// elsewhere.
type Progress struct {
	bar  *progressbar.Bar
	past time.Duration // of the measurements before this one
	now  time.Duration // the length of this one
}

// NewProgress begins the bar of measurements that take total together.
func NewProgress(stderr io.Writer, total time.Duration) *Progress {
	return &Progress{bar: progressbar.New(stderr, total.Milliseconds())}
}

// Begin names the next measurement.
func (p *Progress) Begin(what string, length time.Duration) {
	p.past, p.now = p.past+p.now, length
	p.bar.Describe(what)
}

// Tick moves the bar while a measurement goes on, until stop is called.
func (p *Progress) Tick() (stop func()) {
	began := time.Now()
	return p.bar.Follow(func() int64 { return (p.past + min(time.Since(began), p.now)).Milliseconds() })
}

// End takes the bar away.
func (p *Progress) End() { p.bar.End() }
