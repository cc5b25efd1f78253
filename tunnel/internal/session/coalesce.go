package session

import "time"

// coalescer decides when the socket's reader pauses between two reads, and on a machine with one
// processor the device's, too. Where packets trickle in one by one, every one of them costs a
// wake-up, a read and a write, and TCP answers each with an acknowledgment of its own; a short
// pause lets a few gather, so that all of that is shared. It never delays the first packets after a
// quiet time, and never by more than maxNap.
type coalescer struct {
	finished time.Time     // when the last batch was done
	cost     time.Duration // of a small batch, averaged
	streak   int           // small batches that came soon after one another
}

const (
	fullBatch = 32                   // packets: batches of that size need no gathering
	soon      = 3 * time.Millisecond // batches within that time of each other are one flow
	warmUp    = 16                   // batches of a flow before the first pause
	shareOf   = 8                    // a pause is this many times what a small batch costs
	minNap    = 50 * time.Microsecond
	maxNap    = 2 * time.Millisecond
)

// eager reports whether a batch of n packets is so small that pause should be asked.
func (b *coalescer) eager(n int) bool {
	if n >= fullBatch {
		b.streak = 0
	}
	return n < fullBatch
}

// pause gives the time to wait before the next read, after a small batch that was worked on from
// begun to finished.
func (b *coalescer) pause(begun, finished time.Time) time.Duration {
	if begun.Sub(b.finished) > soon {
		b.streak = 0
	}
	cost := finished.Sub(begun)
	b.cost += (cost - b.cost) / 8
	b.finished = finished
	if b.streak < warmUp {
		b.streak++
		return 0
	}
	return min(max(shareOf*b.cost, minNap), maxNap)
}
