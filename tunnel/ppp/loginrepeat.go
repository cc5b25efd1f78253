package ppp

import "time"

// retransmitter repeats a packet until something answers it.
type retransmitter struct {
	timer time.Time // zero: off
	left  int
}

// begin starts with the configured number of sendings, the first one included.
func (r *retransmitter) begin(l *Link) {
	r.left = maxConfigure
	r.sent(l)
}

// sent notes one sending.
func (r *retransmitter) sent(l *Link) {
	r.left--
	r.timer = l.now.Add(l.cfg.RestartTimer)
}

// end stops the timer.
func (r *retransmitter) end() { r.timer = time.Time{} }

// due reports whether the time has come, and usedUp whether it was the last.
func (r *retransmitter) due(l *Link) (due, usedUp bool) {
	if r.timer.IsZero() || l.now.Before(r.timer) {
		return false, false
	}
	if r.left <= 0 {
		r.end()
		return true, true
	}
	l.stats.Retransmissions++
	return true, false
}
