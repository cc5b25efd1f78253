package ppp

import "time"

// budget is a token bucket: so much at once, and one more every so often. Both are counted from its
// first use.
type budget struct {
	burst    int
	interval time.Duration
	tokens   int
	last     time.Time
}

const (
	// Protocol-Rejects and Code-Rejects: a peer with the wrong keys sends nothing but random
	// protocols.
	rejectBurst    = 8
	rejectInterval = 250 * time.Millisecond
	// Negotiations that the peer begins anew while the network is up: each is addresses, routes and
	// lines in a log.
	changeBurst    = 16
	changeInterval = 5 * time.Minute
	// Challenges after the first login that are new: each costs a Response.
	rechallengeBurst    = 8
	rechallengeInterval = time.Second
	// Logins before the network is up: each is a negotiation of LCP and an authentication.
	loginBurst    = 8
	loginInterval = time.Minute
)

// refill makes it as if it had never been used.
func (b *budget) refill() { b.last = time.Time{} }

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
