package reorder

import "time"

// adaptiveTimeout is how long a packet waits for a missing one: no longer than Config.Timeout, and
// where the link allows it, no longer than waiting has lately been worth. A number that never comes
// (the network lost it) would otherwise hold up all that follows it for Timeout, once for every
// loss; the longest wait that ended with the missing packet tells what reordering needs.
type adaptiveTimeout struct {
	max   time.Duration // Config.Timeout
	fixed bool          // it is always max

	// Waits are looked at in periods: what counts is the longest of this one and the one before.
	learnt   bool          // the first period is over
	waits    int           // of this period that have ended
	since    time.Duration // when it began
	longest  time.Duration // of its waits that a packet was worth
	previous time.Duration // the same of the period before
}

const (
	// minWaits must have ended before anything is concluded from them, and minPeriod must have
	// passed for the older ones to be forgotten. That so many numbers have passed with fewer waits
	// tells as much.
	minWaits   = 8
	minNumbers = 1024
	minPeriod  = 30 * time.Second
	// minTimeout is what is waited for in any case, and margin how many times the longest useful
	// wait.
	minTimeout = 10 * time.Millisecond
	margin     = 2
)

// now is how long a packet waits after so many numbers have passed.
func (a *adaptiveTimeout) now(span uint64) time.Duration {
	if a.fixed || !a.learnt && a.waits < minWaits && span < minNumbers {
		return a.max
	}
	return min(a.max, max(minTimeout, margin*max(a.longest, a.previous)))
}

// filled notes at a time that the missing packet came, after others had waited for it so long.
func (a *adaptiveTimeout) filled(at, waited time.Duration) { a.note(at, waited) }

// expired notes that it did not come in time.
func (a *adaptiveTimeout) expired(at time.Duration) { a.note(at, 0) }

// late notes that it came after all, after it had been given up: it was worth more than the wait
// that there is.
func (a *adaptiveTimeout) late(at time.Duration, span uint64) { a.note(at, a.now(span)) }

func (a *adaptiveTimeout) note(at, useful time.Duration) {
	if a.waits >= minWaits && at-a.since >= minPeriod {
		a.learnt, a.previous = true, a.longest
		a.waits, a.longest, a.since = 0, 0, at
	}
	a.waits++
	a.longest = max(a.longest, useful)
}
