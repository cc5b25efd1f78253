package speed

import (
	"time"

	"github.com/arc4tun/arc4tun/internal/cputime"
	"github.com/arc4tun/arc4tun/internal/timing"
)

// threadClock is the clock of one thread.
//
// openssl divides by the user time of its process. The time of the worker's own thread is the same
// thing, only exact to the nanosecond where user time is sampled at every tick, and free of what
// Go's garbage collector does meanwhile: the timed loops make no system calls.
type threadClock struct{ *timing.WallClock }

func newThreadClock() timing.Clock { return threadClock{timing.NewWallClock()} }

func (threadClock) CPU() time.Duration { return cputime.Thread() }

// HasCPUTime reports whether CPU time can be told on this system; where not, rates are per second
// of wall time.
func HasCPUTime() bool { return cputime.Known }
