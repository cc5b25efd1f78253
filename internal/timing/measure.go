// Package timing is the loop that ciphers are timed in, with what it takes to time them fairly:
// keys that do not come back, and packets that do not hold each other up in memory.
package timing

import (
	"context"
	"time"
)

// Work is what is timed: it does at least n operations and returns how many.
type Work func(n int) int

// Between two looks at the clock work goes on for about a chunk of time: long enough that looking
// costs nothing, short enough that a measurement ends when it should and an interrupt is heard at
// once.
const (
	MaxChunk             = 5 * time.Millisecond
	chunksPerMeasurement = 32
)

// An interrupted measurement counts if it had a tenth of its time.
const interruptedShare = 10

// Chunk is how long a chunk is in a measurement of that length.
func Chunk(total time.Duration) time.Duration { return min(total/chunksPerMeasurement, MaxChunk) }

// Calibrate finds how many operations fill a chunk of time, or half of it, and how long they took.
// It also warms up caches, predictors and the CPU's frequency. It goes by CPU time where it can: a
// thread that has to wait for a processor must not take its operations for slow.
func Calibrate(ctx context.Context, w Work, c Clock, chunk time.Duration) (n int, took time.Duration) {
	w(1)
	for n = 1; ; {
		watch := Start(c)
		w(n)
		took = watch.CPU()
		if took >= chunk/2 || ctx.Err() != nil {
			return n, took
		}
		// A clock that has not moved says nothing but "more"; one that has is believed up to a
		// factor of eight.
		n = int(min(int64(n)*8, int64(n)*int64(chunk)/max(int64(took), 1)+1))
	}
}

// Measure does w in chunks of n operations for a total of wall time. It returns how many it did and
// the CPU time they took, or the wall time if that is asked for. Both are zero if ctx ended too
// early for a result.
func Measure(ctx context.Context, w Work, c Clock, n int, total time.Duration, wall bool) (ops uint64, took time.Duration) {
	watch := Start(c)
	for took < total && ctx.Err() == nil {
		ops += uint64(w(n))
		took = watch.Wall()
	}
	switch {
	case took < total/interruptedShare:
		return 0, 0
	case wall:
		return ops, took
	}
	return ops, watch.CPU()
}
