package gre

import (
	"math/bits"
	"time"
)

const (
	minAckTimeout = 100 * time.Millisecond
	maxAckTimeout = 10 * time.Second
)

// SendWindow is the sliding window of a sender (RFC 2637 sections 4.2 and 4.4): no more packets are on their way
// than the peer said it would buffer. It is off unless a caller asks for it, because the rate is then at most a
// window a round trip, most peers offer windows of 3 to 64 packets, and TCP inside the tunnel controls its flow
// by itself. It is not safe for concurrent use.
type SendWindow struct {
	limit   int // what the peer offered
	size    int // the window now
	credit  int // packets acknowledged since size last changed
	last    uint32
	acked   uint32
	sentAt  []time.Time // a ring by sequence number; 2^N, so that it goes on when the numbers wrap
	rtt     time.Duration
	dev     time.Duration
	timeout time.Duration
	oldest  time.Time // when the oldest unacknowledged packet was sent
}

// NewSendWindow returns a window for a peer that buffers limit packets (at least 1), for a call whose first
// sequence number is first and whose peer takes delay to process a full buffer (RFC 2637 section 4.4, PPD).
func NewSendWindow(limit int, first uint32, delay time.Duration) *SendWindow {
	limit = min(max(limit, 1), 1<<16)
	w := &SendWindow{
		limit: limit, size: max(limit/2, 1), // section 4.2.1
		last: first - 1, acked: first - 1,
		sentAt: make([]time.Time, 1<<bits.Len(uint(limit-1))), rtt: delay,
	}
	w.setTimeout()
	return w
}

// slot is where the time of a packet that may be outstanding is kept.
func (w *SendWindow) slot(seq uint32) *time.Time { return &w.sentAt[seq&uint32(len(w.sentAt)-1)] }

// Outstanding is the number of packets sent and not acknowledged.
func (w *SendWindow) Outstanding() int { return int(w.last - w.acked) }

// Size is the number of packets that may be outstanding now.
func (w *SendWindow) Size() int { return w.size }

// Open reports whether one more packet may be sent.
func (w *SendWindow) Open() bool { return w.Outstanding() < w.size }

// Sent notes that the next sequence number was sent. The caller has asked Open.
func (w *SendWindow) Sent(now time.Time) {
	if w.Outstanding() == 0 {
		w.oldest = now
	}
	w.last++
	*w.slot(w.last) = now
	if w.Outstanding() > w.limit { // sent without asking: the oldest is given up, so that the ring suffices
		w.acked = w.last - uint32(w.limit)
		w.oldest = *w.slot(w.acked + 1)
	}
}

// Acked notes an acknowledgment from the peer: it and all before it have arrived (section 4.2.5). One of a packet
// that was never sent, or an old one, changes nothing.
func (w *SendWindow) Acked(now time.Time, ack uint32) {
	if !after(ack, w.acked) || after(ack, w.last) {
		return
	}
	w.measure(now.Sub(*w.slot(ack)))
	w.credit += int(ack - w.acked)
	w.acked = ack
	if w.Outstanding() > 0 {
		w.oldest = *w.slot(ack + 1)
	}
	if w.credit >= w.size { // section 4.2.3: a whole window arrived
		w.credit = 0
		w.size = min(w.size+1, w.limit)
	}
}

// measure is section 4.4.1 with alpha 1/8, beta 1/4 and chi 4.
func (w *SendWindow) measure(sample time.Duration) {
	diff := sample - w.rtt
	w.rtt += diff / 8
	if diff < 0 {
		diff = -diff
	}
	w.dev += (diff - w.dev) / 4
	w.setTimeout()
}

func (w *SendWindow) setTimeout() {
	w.timeout = min(max(w.rtt+4*w.dev, minAckTimeout), maxAckTimeout)
}

// Deadline returns when Tick should be called; ok is false when nothing is outstanding.
func (w *SendWindow) Deadline() (at time.Time, ok bool) {
	if w.Outstanding() == 0 {
		return time.Time{}, false
	}
	return w.oldest.Add(w.timeout), true
}

// Tick gives up what has waited too long for its acknowledgment: the window closes to one half, rounded up
// (section 4.2.2), the time-out doubles (section 4.4.2), and sending may go on.
func (w *SendWindow) Tick(now time.Time) {
	at, ok := w.Deadline()
	if !ok || now.Before(at) {
		return
	}
	w.acked, w.credit = w.last, 0
	w.size = (w.size + 1) / 2
	w.rtt = min(2*w.rtt, maxAckTimeout)
	w.timeout = min(2*w.timeout, maxAckTimeout)
}
