package speed

import "time"

// clock tells a worker's time: wall time, and CPU time of the thread that asks.
//
// openssl divides by the user time of its process. The time of the worker's own thread is the same thing, only exact to
// the nanosecond where user time is sampled at every tick, and free of what Go's garbage collector does meanwhile: the
// timed loops make no system calls.
type clock interface {
	wall() time.Duration
	cpu() time.Duration
}

// threadClock is the real clock; it belongs to one thread.
type threadClock struct{ start time.Time }

func newThreadClock() clock { return &threadClock{time.Now()} }

func (c *threadClock) wall() time.Duration { return time.Since(c.start) }
func (c *threadClock) cpu() time.Duration  { return threadCPUTime() }

// HasCPUTime says whether CPU time can be told on this system; where not, rates are per second of wall time.
func HasCPUTime() bool { return hasCPUTime }
