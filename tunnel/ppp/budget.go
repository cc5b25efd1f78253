package ppp

import "time"

// budget is a token bucket: so much at once, and one more every so often. Both are counted from its first use.
type budget struct {
	burst    int
	interval time.Duration
	tokens   int
	last     time.Time
}

const (
	// Protocol-Rejects and Code-Rejects: a peer with the wrong keys sends nothing but random protocols.
	rejectBurst    = 8
	rejectInterval = 250 * time.Millisecond
	// NetworkUp after the first: each is addresses, routes and lines in a log.
	changeBurst    = 16
	changeInterval = 5 * time.Minute
)

// take takes a token, false if there is none.
func (b *budget) take(now time.Time) bool {
	if b.last.IsZero() {
		b.tokens, b.last = b.burst, now
	}
	if n := now.Sub(b.last) / b.interval; n > 0 {
		b.tokens = int(min(time.Duration(b.burst), time.Duration(b.tokens)+n))
		b.last = b.last.Add(n * b.interval)
	}
	if b.tokens == 0 {
		return false
	}
	b.tokens--
	return true
}
