package tunnel

import (
	"fmt"
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/internal/trace"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// What is traced is what goes over the wire: a control message as it is queued for TCP or cut off
// its stream, a PPP frame as it is put into GRE or came out of it, before anybody judges it.
// Packets with data are not traced; their numbers are, when a session ends.

// direction is how a line begins.
func direction(sent bool) string {
	if sent {
		return "sent "
	}
	return "rcvd "
}

// traceControl gives the function that a control connection with a peer shows its messages to.
func (o Options) traceControl(peer netip.Addr) func(sent bool, message []byte) {
	if o.Trace == nil {
		return nil
	}
	return func(sent bool, message []byte) {
		o.Trace.Say(peer, "", trace.Said, func() string { return direction(sent) + control.Words(message) })
	}
}

// traceFrame shows a PPP control frame that is sent, or was received and is believed.
func (s *Session) traceFrame(sent bool, frame []byte) {
	if s.opts.Trace.On() {
		s.opts.Trace.Say(s.peer, s.id(), trace.Said, func() string { return direction(sent) + ppp.Words(frame) })
	}
}

// traceDropped shows one that goes no further than this, and why.
func (s *Session) traceDropped(frame []byte, why string) {
	if s.opts.Trace.On() {
		s.opts.Trace.Say(s.peer, s.id(), trace.Dropped, func() string { return direction(false) + ppp.Words(frame) + " dropped: " + why })
	}
}

// traceFar shows one whose sequence number is not believed.
func (s *Session) traceFar(frame []byte, seq, last uint32) {
	if s.opts.Trace.On() {
		s.traceDropped(frame, fmt.Sprintf("its sequence number %d is far from %d", seq, last))
	}
}

// traceData shows how many packets with data there were in all.
func (s *Session) traceData() {
	if !s.opts.Trace.On() {
		return
	}
	s.in.mu.Lock()
	in := s.in.stats.Packets
	s.in.mu.Unlock()
	s.out.mu.Lock()
	out := s.out.stats.Packets
	s.out.mu.Unlock()
	s.opts.Trace.Say(s.peer, s.id(), trace.Said, func() string {
		return fmt.Sprintf("the link is down; data packets: rcvd %d, sent %d", in, out)
	})
}

// id is the session's name for status and the trace: its peer and our call ID.
func (s *Session) id() string { return fmt.Sprintf("%s/%d", s.peer, s.callID) }
