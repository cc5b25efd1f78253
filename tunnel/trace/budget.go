package trace

import "time"

// rate is how many lines there may be at once, how often another one, and how many there must be
// again after the last was taken before the next is shown: so that a flood gives lines in blocks,
// and few that say what was left out.
type rate struct {
	burst, again int
	interval     time.Duration
}

// A set-up takes some 40 lines, an idle tunnel eight a minute.
var (
	peerRate    = rate{burst: 400, again: 40, interval: 200 * time.Millisecond}
	droppedRate = rate{burst: 50, again: 10, interval: time.Second}
	allRate     = rate{burst: 4000, again: 400, interval: 20 * time.Millisecond}
)

// budget is what is left of a rate. The zero value is a full one.
type budget struct {
	tokens int
	since  time.Time // when tokens was last raised; zero before the first
	used   time.Time
	shut   bool   // until there are enough tokens again
	left   uint64 // lines that were refused and not yet spoken of
}

// take reports whether there may be one more line, and counts it if not.
func (b *budget) take(now time.Time, r rate) bool {
	if b.since.IsZero() {
		b.tokens, b.since = r.burst, now
	}
	if n := now.Sub(b.since) / r.interval; n > 0 {
		b.tokens = int(min(time.Duration(r.burst), time.Duration(b.tokens)+n))
		b.since = b.since.Add(n * r.interval)
	}
	b.used = now
	if b.shut && b.tokens < r.again || b.tokens == 0 {
		b.shut = true
		b.left++
		return false
	}
	b.shut = false
	b.tokens--
	return true
}
