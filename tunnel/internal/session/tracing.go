package session

import (
	"fmt"
	"net/netip"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// Direction is how a line begins.
func Direction(sent bool) string {
	if sent {
		return "sent "
	}
	return "rcvd "
}

// tracer shows one session's frames to whoever watches.
type tracer struct {
	to     *trace.Trace // nil: nobody
	peer   netip.Addr
	callID uint16
}

// id is the session's name for status and the trace: its peer and our call ID.
func (t *tracer) id() string { return fmt.Sprintf("%s/%d", t.peer, t.callID) }

// frame shows a PPP control frame that is sent, or was received and is believed.
func (t *tracer) frame(sent bool, frame []byte) {
	if t.to.On() {
		t.to.Say(t.peer, t.id(), trace.Said, func() string { return Direction(sent) + ppp.Words(frame) })
	}
}

// dropped shows one that goes no further than this, and why.
func (t *tracer) dropped(frame []byte, why string) {
	if t.to.On() {
		t.to.Say(t.peer, t.id(), trace.Dropped, func() string { return Direction(false) + ppp.Words(frame) + " dropped: " + why })
	}
}

// far shows one whose sequence number is not believed.
func (t *tracer) far(frame []byte, seq, last uint32) {
	if t.to.On() {
		t.dropped(frame, fmt.Sprintf("its sequence number %d is far from %d", seq, last))
	}
}

// data shows how many packets with data there were in all.
func (t *tracer) data(in, out uint64) {
	if t.to.On() {
		t.to.Say(t.peer, t.id(), trace.Said, func() string {
			return fmt.Sprintf("the link is down; data packets: rcvd %d, sent %d", in, out)
		})
	}
}
