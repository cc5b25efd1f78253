package session

import (
	"cmp"

	"github.com/arc4tun/arc4tun/internal/serial"
)

// belief decides whether a packet's GRE sequence number is to be believed before it may move the
// reorder window.
//
// A sequence number close to the last believed one is taken at once. One that is far away, forward
// or backward, is on probation: it is believed only when the packets after it continue it, as RTP
// does with a new source (RFC 3550, appendix A.1). A single forged packet therefore moves nothing.
type belief struct {
	span    int32 // how far a number may be, if that is not near
	reach   int32 // how far behind a number may be, if that is more
	started bool
	last    uint32 // the highest believed sequence number

	suspect uint32 // the last number of a far run
	run     int    // how many packets of that run have come
}

const (
	// Near is how far from the last believed number a sequence number may be, in packets.
	Near = 2048
	// FrameNear is the same for control frames. They have no proof of their own, so the fewer
	// numbers are believed the better; but a burst of loss or a change of order must not hide the
	// few that there are. A frame behind a longer one comes again, or data lead to it.
	FrameNear = 256
	// probation is how many packets must continue a far number before it is believed.
	probation = 3
	// stride is the largest step, in packets, between two packets of one run: reordering within a
	// run is normal.
	stride = 32
)

// verdict is what belief says of a sequence number.
type verdict int

const (
	disbelieved verdict = iota // far away, and nothing continues it yet
	believed                   // near the last one
	moved                      // far away, but continued: the stream has moved here
)

// isNear reports whether seq lies within span packets of the last believed number, or within reach
// behind it, or nothing is known yet.
func (b *belief) isNear(seq uint32) bool {
	d, span := serial.Diff(seq, b.last), cmp.Or(b.span, Near)
	return !b.started || (d > -max(span, b.reach) && d < span)
}

// isWithin reports whether seq lies within span packets of the last believed number, and there is
// one.
func (b *belief) isWithin(seq uint32, span int32) bool {
	d := serial.Diff(seq, b.last)
	return b.started && d > -span && d < span
}

// judge decides about seq and remembers it when it is believed.
func (b *belief) judge(seq uint32) verdict {
	if b.isNear(seq) {
		if !b.started || serial.Diff(seq, b.last) > 0 {
			b.last = seq
		}
		b.started = true
		b.run = 0
		return believed
	}
	d := serial.Diff(seq, b.suspect)
	if b.run > 0 && d > -stride && d < stride && d != 0 {
		b.run++
		if d > 0 {
			b.suspect = seq
		}
	} else {
		b.suspect, b.run = seq, 1
	}
	if b.run < probation {
		return disbelieved
	}
	b.last, b.run = b.suspect, 0
	return moved
}

// follow lets a near number draw the reference after it, by at most stride packets: control frames
// keep an idle session's reference current, but a forged one can pull it no further than that.
func (b *belief) follow(seq uint32) {
	d := serial.Diff(seq, b.last)
	switch {
	case !b.started:
		b.started, b.last = true, seq
	case d <= 0 || d >= cmp.Or(b.span, Near):
	case d > stride:
		b.last += stride
	default:
		b.last = seq
	}
}
