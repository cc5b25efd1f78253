package uplink

import "time"

const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute

	// What a way that has never worked is tried again after: each time costs the tunnel what it
	// sends for three seconds.
	firstBan = 10 * time.Minute
	lastBan  = 24 * time.Hour
)

// backoff says when what has failed may be tried again: after a second, then twice as long each
// time. The zero value allows a first attempt at once.
type backoff struct {
	pause time.Duration
	until time.Time
}

// allows reports whether an attempt may be made.
func (b *backoff) allows(now time.Time) bool { return !now.Before(b.until) }

// failed notes a failure.
func (b *backoff) failed(now time.Time) { b.wait(now, firstRetry, lastRetry) }

// banned notes that something has never worked.
func (b *backoff) banned(now time.Time) { b.wait(now, firstBan, lastBan) }

func (b *backoff) wait(now time.Time, first, last time.Duration) {
	b.pause = min(max(2*b.pause, first), last)
	b.until = now.Add(b.pause)
}

// worked forgets all failures.
func (b *backoff) worked() { *b = backoff{} }
