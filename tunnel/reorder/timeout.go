package reorder

import "time"

// patience is how long a packet waits for a missing one: no longer than Timeout, and where the link
// allows it, no longer than waiting has lately been worth. A number that never comes (the network
// lost it) would otherwise hold up all that follows it for Timeout, once for every loss; the
// longest wait that ended with the missing packet tells what reordering needs.
type patience struct {
	limit  time.Duration // Timeout
	learns bool

	known  bool          // the first generation is over
	events int           // of this generation: waits that have ended
	since  time.Duration // when it began
	most   time.Duration // the longest wait in it that a packet was worth
	before time.Duration // the same of the generation before
}

const (
	// enough waits must have ended before anything is concluded from them, and memory must have
	// passed for the older ones to be forgotten. That so many numbers have passed with fewer waits
	// tells as much.
	enough  = 8
	numbers = 1024
	memory  = 30 * time.Second
	// shortest is what is waited for in any case, and margin how many times the longest useful
	// wait.
	shortest = 10 * time.Millisecond
	margin   = 2
)

// wait is how long a packet waits now, after so many numbers have passed.
func (p *patience) wait(span uint64) time.Duration {
	if !p.learns || !p.known && p.events < enough && span < numbers {
		return p.limit
	}
	return min(p.limit, max(shortest, margin*max(p.most, p.before)))
}

// filled notes at a time that the missing packet came, after others had waited for it so long.
func (p *patience) filled(at, waited time.Duration) { p.note(at, waited) }

// inVain notes that it did not come.
func (p *patience) inVain(at time.Duration) { p.note(at, 0) }

// late notes that it came after all, after it had been given up: it was worth more than the wait
// that there is.
func (p *patience) late(at time.Duration, span uint64) { p.note(at, p.wait(span)) }

func (p *patience) note(at, useful time.Duration) {
	if p.events >= enough && at-p.since >= memory {
		p.known, p.before = true, p.most
		p.events, p.most, p.since = 0, 0, at
	}
	p.events++
	p.most = max(p.most, useful)
}
