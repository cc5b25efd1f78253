package session

import (
	"fmt"

	"github.com/arc4tun/arc4tun/internal/trace"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// Direction is how a line begins.
func Direction(sent bool) string {
	if sent {
		return "sent "
	}
	return "rcvd "
}

// traceFrame shows a PPP control frame that is sent, or was received and is believed.
func (s *Session) traceFrame(sent bool, frame []byte) {
	if s.cfg.Trace.On() {
		s.cfg.Trace.Say(s.peer, s.ID(), trace.Said, func() string { return Direction(sent) + ppp.Words(frame) })
	}
}

// traceDropped shows one that goes no further than this, and why.
func (s *Session) traceDropped(frame []byte, why string) {
	if s.cfg.Trace.On() {
		s.cfg.Trace.Say(s.peer, s.ID(), trace.Dropped, func() string { return Direction(false) + ppp.Words(frame) + " dropped: " + why })
	}
}

// traceFar shows one whose sequence number is not believed.
func (s *Session) traceFar(frame []byte, seq, last uint32) {
	if s.cfg.Trace.On() {
		s.traceDropped(frame, fmt.Sprintf("its sequence number %d is far from %d", seq, last))
	}
}

// traceData shows how many packets with data there were in all.
func (s *Session) traceData() {
	if !s.cfg.Trace.On() {
		return
	}
	s.in.mu.Lock()
	in := s.in.stats.Packets
	s.in.mu.Unlock()
	s.out.mu.Lock()
	out := s.out.stats.Packets
	s.out.mu.Unlock()
	s.cfg.Trace.Say(s.peer, s.ID(), trace.Said, func() string {
		return fmt.Sprintf("the link is down; data packets: rcvd %d, sent %d", in, out)
	})
}

// ID is the session's name for status and the trace: its peer and our call ID.
func (s *Session) ID() string { return fmt.Sprintf("%s/%d", s.peer, s.callID) }
