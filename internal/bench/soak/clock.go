package soak

import (
	"sync/atomic"
	"time"
)

// clock is the time of one end, which can be made to jump.
type clock struct {
	start  time.Time
	offset atomic.Int64 // nanoseconds
}

func newClock() *clock { return &clock{start: time.Now()} }

// now is for tunnel.Options.Now.
func (c *clock) now() time.Time {
	return c.start.Add(time.Since(c.start) + time.Duration(c.offset.Load()))
}

// jump moves the clock, backward if by is negative.
func (c *clock) jump(by time.Duration) { c.offset.Add(int64(by)) }
