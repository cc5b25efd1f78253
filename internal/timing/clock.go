package timing

import "time"

// Clock tells the time of one thread.
type Clock interface {
	// Wall is the time that has passed since some moment.
	Wall() time.Duration
	// CPU is the time that the thread has used; always 0 where nobody tells it.
	CPU() time.Duration
}

// WallClock is a [Clock] without CPU time.
type WallClock struct{ start time.Time }

// NewWallClock starts a clock.
func NewWallClock() *WallClock { return &WallClock{time.Now()} }

// Wall is the time since the clock was started.
func (c *WallClock) Wall() time.Duration { return time.Since(c.start) }

// CPU is 0.
func (c *WallClock) CPU() time.Duration { return 0 }

// Stopwatch tells how much time has passed on a clock.
type Stopwatch struct {
	clock     Clock
	wall, cpu time.Duration // when it was started
}

// Start starts a stopwatch.
func Start(c Clock) Stopwatch { return Stopwatch{c, c.Wall(), c.CPU()} }

// Wall is the wall time since the start.
func (s Stopwatch) Wall() time.Duration { return s.clock.Wall() - s.wall }

// CPU is the CPU time since the start, or the wall time where the CPU's clock has not moved: one
// that is too coarse says nothing.
func (s Stopwatch) CPU() time.Duration {
	wall := s.Wall()
	if cpu := s.clock.CPU() - s.cpu; cpu > 0 {
		return cpu
	}
	return wall
}
