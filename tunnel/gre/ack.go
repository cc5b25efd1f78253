package gre

import (
	"time"

	"github.com/arc4tun/arc4tun/internal/serial"
)

const (
	// ackDelay is how long an acknowledgment waits for a data packet to ride on.
	ackDelay = 500 * time.Millisecond
	// ackEvery is the number of unacknowledged packets that ends the wait early. One in 128 keeps
	// ack-only packets under 1% of what is received on a busy one-way stream. A peer that respects
	// a send window smaller than this (FreeBSD's mpd sends at most 16 packets) stalls for ackDelay
	// on such a stream.
	ackEvery = 128
)

// Acker decides when to acknowledge (RFC 2637 sections 4.1 and 4.3): the acknowledgment number is
// the highest sequence number received, it rides on every data packet that goes out while something
// is unacknowledged, and goes alone only after half a second or 128 packets.
//
// Received is to be called only for packets that are believed: of the right peer and call, and
// decrypted soundly where there is encryption. A forged packet with a far sequence number would
// otherwise move the acknowledgment past what the peer has sent, and it would never come back.
//
// The zero value is ready. Acker is not safe for concurrent use.
type Acker struct {
	highest uint32
	begun   bool
	pending int
	since   time.Time // arrival of the first pending packet
}

// Received notes a believed packet that carried seq. A late or duplicate one acknowledges nothing
// new and starts no wait.
func (a *Acker) Received(now time.Time, seq uint32) {
	if a.begun && serial.Diff(seq, a.highest) <= 0 {
		return
	}
	a.begun, a.highest = true, seq
	if a.pending == 0 {
		a.since = now
	}
	a.pending++
}

// Piggyback returns the number to put on a data packet that is about to be sent; ok is false when
// the peer has been told everything. The acknowledgment counts as sent.
func (a *Acker) Piggyback() (ack uint32, ok bool) {
	ok = a.pending > 0
	a.pending = 0
	return a.highest, ok
}

// Due returns the number for a packet that only acknowledges, if one should go out now. It counts
// as sent.
func (a *Acker) Due(now time.Time) (ack uint32, ok bool) {
	deadline, waiting := a.Deadline()
	if !waiting || a.pending < ackEvery && now.Before(deadline) {
		return 0, false
	}
	a.pending = 0
	return a.highest, true
}

// Deadline returns when Due will next say yes if nothing else happens; ok is false when nothing is
// pending.
func (a *Acker) Deadline() (at time.Time, ok bool) {
	if a.pending == 0 {
		return time.Time{}, false
	}
	if a.pending >= ackEvery {
		return a.since, true
	}
	return a.since.Add(ackDelay), true
}
