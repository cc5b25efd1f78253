package uplink

import "time"

const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// backoff says when what has failed may be tried again: after a second, then twice as long each time. The zero value
// allows a first attempt at once.
type backoff struct {
	pause time.Duration
	until time.Time
}

// allows reports whether an attempt may be made.
func (b *backoff) allows(now time.Time) bool { return !now.Before(b.until) }

// failed notes a failure.
func (b *backoff) failed(now time.Time) {
	b.pause = min(max(2*b.pause, firstRetry), lastRetry)
	b.until = now.Add(b.pause)
}

// worked forgets all failures.
func (b *backoff) worked() { *b = backoff{} }
