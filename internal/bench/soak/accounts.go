package soak

import (
	"fmt"
	"strings"

	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// A direction's GRE and IP packets are counted at these places, each with its own counters:
//
//	the device of the sender -> its tunnel -> its socket -> the system -> the link ->
//	the socket of the receiver -> its tunnel -> the device of the receiver
//
// Between any two of them an equation accounts for every packet.

// endCounters is what one end has counted.
type endCounters struct {
	taken, given uint64 // by the device taps: read by the tunnel, delivered by it
	tunnel       counters
	data         uint64 // by the socket tap: encrypted packets written
	control      uint64 // control frames written
	acks         uint64 // acknowledgments alone written
	closed       uint64 // of all three, those written to a closed socket
	read         uint64 // handed to the tunnel
	socket       gre.Stats
}

// written is all that the tunnel has handed to its socket.
func (s *endCounters) written() uint64 { return s.data + s.control + s.acks }

// directionAccount holds what was counted in one direction, from the sender to the receiver.
type directionAccount struct {
	name     string
	from, to *endCounters
	link     lab.GREAccount
	// unheard is what no socket has heard, as far as that was found out when it was allowed to
	// happen.
	unheard uint64
}

// equation holds two sums of counters that must be the same number of packets.
type equation struct {
	Name        string `json:"name"`
	Left, Right uint64
	Slack       uint64 `json:",omitempty"` // Left may be more by so much
	Says        string // the terms
}

// Balanced reports whether the line's sums agree.
func (l equation) Balanced() bool { return l.Left >= l.Right && l.Left-l.Right <= l.Slack }

func (l equation) String() string {
	return fmt.Sprintf("%s: %d and %d differ by %d (%s)", l.Name, l.Left, l.Right, int64(l.Left-l.Right), l.Says)
}

// unknownLoss stands for packets that a kernel drops without saying so.
const unknownLoss = 1 << 62

// equations gives what must hold in a direction. Sockets that were closed while packets came may
// have taken some along, which only the memory of userspace mode tells.
func (a directionAccount) equations(socketsClosed bool) []equation {
	f, t, link := a.from, a.to, a.link
	unheard := uint64(0)
	if socketsClosed && !link.UnheardKnown {
		unheard = unknownLoss
	}
	line := func(name string, left, right, slack uint64, says string, values ...any) equation {
		return equation{a.name + ", " + name, left, right, slack, fmt.Sprintf(says, values...)}
	}
	s := f.socket
	rs := t.socket
	return []equation{
		line("device to tunnel", f.taken, f.tunnel.sum("packets_out")+f.tunnel.sum(unsentCounters...), 0,
			"taken %d = %s", f.taken, terms(f.tunnel, append([]string{"packets_out"}, unsentCounters...))),
		line("tunnel to socket", f.tunnel.sum("packets_out", "control_frames_out", "acks_out"), f.written(), 0,
			"%s = data %d + control %d + acks %d", terms(f.tunnel, []string{"packets_out", "control_frames_out", "acks_out"}), f.data, f.control, f.acks),
		line("socket to system", f.written(), s.Sent+s.SendErrors()+f.closed, 0,
			"written %d = sent %d + refused %d + closed %d", f.written(), s.Sent, s.SendErrors(), f.closed),
		line("system to link", s.Sent, link.Sent, link.Unsent, "sent %d = in the link %d + at most %d dropped before", s.Sent, link.Sent, link.Unsent),
		line("link", link.Sent+link.Duplicated, link.Delivered+link.Lost+link.Overflowed, 0,
			"sent %d + doubled %d = delivered %d + lost %d + overflowed %d", link.Sent, link.Duplicated, link.Delivered, link.Lost, link.Overflowed),
		line("link to socket", link.Delivered, a.heard()+a.unheard, unheard,
			"delivered %d = received %d + overflowed %d + unsound %d + unheard %d", link.Delivered, rs.Received, rs.Overflowed,
			rs.Truncated+rs.Malformed+rs.Foreign, link.Unheard+a.unheard),
		line("socket to reader", rs.Received, t.read, 0, "received %d = read %d", rs.Received, t.read),
		line("reader to tunnel", t.read, t.tunnel.sum(readCounters...)+t.tunnel.sum(refusedCounters...), 0,
			"read %d = %s", t.read, terms(t.tunnel, append(append([]string{}, readCounters...), refusedCounters...))),
		line("tunnel to device", t.tunnel["packets_in"], t.given, 0, "packets_in %d = given %d", t.tunnel["packets_in"], t.given),
	}
}

// heard is what came out of the link and has ended in the account of a socket.
func (a directionAccount) heard() uint64 {
	s := a.to.socket
	return s.Received + s.Overflowed + s.Truncated + s.Malformed + s.Foreign + a.link.Unheard
}

// readCounters are the counters, besides the refusals, in one of which each GRE packet ends that
// the tunnel has read.
var readCounters = []string{"packets_in", "acks_in", "control_frames_in", "window_under", "window_duplicated", "window_held", "strays"}

// terms shows counters that are not zero.
func terms(t counters, names []string) string {
	var words []string
	for _, name := range names {
		if t[name] != 0 {
			words = append(words, fmt.Sprintf("%s %d", name, t[name]))
		}
	}
	return strings.Join(words, " + ")
}

// sequenceNumbers accounts for the sequence numbers of a session between two moments: each that
// the sender has used was delivered, given up, or a control frame's.
func (a directionAccount) sequenceNumbers(before directionAccount) equation {
	used := a.from.data + a.from.control - before.from.data - before.from.control
	past := func(name string) uint64 { return a.to.tunnel[name] - before.to.tunnel[name] }
	// Under immediate, what was given up before and comes after all is taken off what is lost: the
	// sum stays.
	sum := past("window_accepted") + past("window_lost") + past("window_marked")
	return equation{
		Name: a.name + ", sequence numbers", Left: used, Right: sum,
		Says: fmt.Sprintf("used %d = accepted %d + lost %d + marked %d", used, past("window_accepted"), int64(past("window_lost")), past("window_marked")),
	}
}
