package tunnel

import (
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// What is traced is what goes over the wire: a control message as it is queued for TCP or cut off
// its stream, a PPP frame as it is put into GRE, or came out of it and is believed, or dropped with
// the reason. Packets with data are not traced; their numbers are, when a session ends.

// traceControl gives the function that a control connection with a peer shows its messages to.
func (o Options) traceControl(peer netip.Addr) func(sent bool, message []byte) {
	if o.Trace == nil {
		return nil
	}
	return func(sent bool, message []byte) {
		o.Trace.Say(peer, "", trace.Said, func() string { return session.Direction(sent) + control.Words(message) })
	}
}
