package decrypt

import (
	"slices"
	"time"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/internal/serial"
)

// Bounds of what waits in a control connection for what comes before it.
const (
	maxSegments     = 64
	maxSegmentBytes = 1 << 14
	// farSegment is how far away, in bytes, a segment of the same connection can be.
	farSegment = 1 << 20
	// gapTime is how long a gap stays that the other end has acknowledged: packets of the two
	// directions may be captured out of order.
	gapTime = 100 * time.Millisecond
)

// stream is one direction of a control connection: TCP segments in any order in, messages out.
type stream struct {
	begun   bool
	next    uint32
	waiting []segment // by their numbers
	bytes   int
	// searching reports whether messages have been lost: the next begins a segment, if it begins at
	// all.
	searching bool
	framer    control.Framer
}

type segment struct {
	at   time.Time
	seq  uint32
	data []byte
}

// begin is a SYN: everything starts over.
func (s *stream) begin(seq uint32) { *s = stream{begun: true, next: seq + 1} }

// add takes a segment in, and calls f with every message that is complete.
func (s *stream) add(at time.Time, seq uint32, data []byte, f func(control.Message)) {
	if len(data) == 0 {
		return
	}
	if !s.begun {
		s.begun, s.next, s.searching = true, seq, true
	}
	if d := serial.Diff(seq, s.next); d > farSegment || d < -farSegment {
		return // of an earlier connection between the same ports, or forged
	}
	if serial.Diff(seq, s.next) <= 0 {
		s.take(seq, data, f)
	} else if len(s.waiting) < maxSegments && s.bytes+len(data) <= maxSegmentBytes {
		i, _ := slices.BinarySearchFunc(s.waiting, seq, func(w segment, seq uint32) int { return int(serial.Diff(w.seq, seq)) })
		s.waiting = slices.Insert(s.waiting, i, segment{at, seq, slices.Clone(data)})
		s.bytes += len(data)
	}
	s.drain(f)
	if len(s.waiting) == maxSegments || s.bytes >= maxSegmentBytes/2 {
		s.skip(f)
	}
}

// drain takes what has waited and follows now.
func (s *stream) drain(f func(control.Message)) {
	for len(s.waiting) > 0 && serial.Diff(s.waiting[0].seq, s.next) <= 0 {
		w := s.waiting[0]
		s.waiting, s.bytes = slices.Delete(s.waiting, 0, 1), s.bytes-len(w.data)
		s.take(w.seq, w.data, f)
	}
}

// skip gives up what is missing before what waits.
func (s *stream) skip(f func(control.Message)) {
	if len(s.waiting) > 0 {
		s.next, s.searching = s.waiting[0].seq, true
		s.drain(f)
	}
}

// acknowledged is told what the other end has received: what the capture has not of that, it will
// not get.
func (s *stream) acknowledged(at time.Time, ack uint32, f func(control.Message)) {
	for len(s.waiting) > 0 && serial.Diff(ack, s.waiting[0].seq) > 0 && at.Sub(s.waiting[0].at) >= gapTime {
		s.skip(f)
	}
}

// take takes a segment whose beginning is next or has been taken already.
func (s *stream) take(seq uint32, data []byte, f func(control.Message)) {
	old := int(-serial.Diff(seq, s.next))
	if old >= len(data) {
		return
	}
	data = data[old:]
	s.next += uint32(len(data))
	if s.searching {
		s.framer = control.Framer{}
	}
	for len(data) > 0 {
		message, rest, err := s.framer.Next(data)
		if err != nil {
			s.searching = true
			return
		}
		s.searching = false
		data = rest
		if message == nil {
			continue
		}
		if m, err := control.Parse(message); err == nil {
			f(m)
		}
	}
}
