package tunnel

import "time"

// idleness tells when a tunnel has been idle for so long: it compares counts of its IP packets.
type idleness struct {
	limit time.Duration // 0: never
	count uint64
	since time.Time // when the count was last seen to be another
}

// look takes how many packets have passed by now, and gives how long to wait until the next look;
// 0: the tunnel has been idle for the limit.
func (i *idleness) look(now time.Time, count uint64) time.Duration {
	if i.limit == 0 {
		return time.Hour
	}
	if i.since.IsZero() || count != i.count {
		i.count, i.since = count, now
	}
	left := max(0, i.limit-now.Sub(i.since))
	// When the last packet passed is known as well as looks are near each other.
	return min(left, max(i.limit/16, time.Second))
}

// rest says that no packet can pass for the time being, for which the tunnel is not to blame.
func (i *idleness) rest() { i.since = time.Time{} }
