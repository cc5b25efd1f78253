package soak

import "github.com/arc4tun/arc4tun/tunnel/status"

// counters holds the counters of tunnels by name, summed over all that there have been.
type counters map[string]uint64

func (t counters) add(o counters) {
	for name, n := range o {
		t[name] += n
	}
}

// sum adds up some counters.
func (t counters) sum(names ...string) (n uint64) {
	for _, name := range names {
		n += t[name]
	}
	return n
}

// countersOf takes all counters of a client or server.
func countersOf(s status.Snapshot) counters {
	t := counters{
		"sessions": s.Totals.Sessions, "packets_in": s.Totals.PacketsIn, "packets_out": s.Totals.PacketsOut,
		"acks_in": s.Totals.AcksIn, "acks_out": s.Totals.AcksOut,
		"window_accepted": s.Totals.Window.Accepted, "window_under": s.Totals.Window.UnderWindow,
		"window_duplicated": s.Totals.Window.Duplicated, "window_lost": s.Totals.Window.Lost, "window_buffered": s.Totals.Window.Buffered,
		"strays": s.Refused["gre_no_session"], "no_session": s.Refused["ip_no_session"],
	}
	for name, n := range s.Totals.Counters {
		t[name] = n
	}
	for _, one := range s.Sessions {
		t["window_held"] += one.Counters["window_held_packets"]
	}
	return t
}

// The counters, besides the window's, in one of which each packet from the peer
// ends that is not delivered.
var refusedCounters = []string{
	"in_malformed", "in_disbelieved", "in_repeated_frames", "in_not_up", "in_clear_refused", "in_undecipherable",
	"in_late", "in_repeated", "in_out_of_reach", "in_too_long", "in_spoofed", "in_router_messages",
}

// The counters, besides packets_out, in one of which each packet of the local device ends.
var unsentCounters = []string{"out_not_up", "out_icmp_too_big", "out_too_long", "out_not_ip", "no_session"}
