package report

import (
	"fmt"
	"strings"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
)

// Field is a number by name, of the counters of a session or of its MPPE.
type Field struct {
	name string
	what string
	now  bool // tells how things stand, and can fall; all others only grow
}

// mppeFields are the numbers in a session's mppe.counters.
var mppeFields = []Field{
	{name: "decrypted_packets", what: "packets that deciphered"},
	{name: "decrypted_bytes", what: "their bytes, without MPPE's header"},
	{name: "encrypted_packets", what: "packets that were encrypted"},
	{name: "encrypted_bytes", what: "their bytes, without MPPE's header"},
	{name: "late", what: "packets older than any key that is kept"},
	{name: "duplicated", what: "packets that had been deciphered before"},
	{name: "implausible", what: "packets that deciphered to nothing sound: forged, or a wrong key"},
	{name: "out_of_range", what: "packets too far ahead"},
	{name: "discarded", what: "stateful: packets dropped while waiting for the peer to flush its tables"},
	{name: "truncated", what: "packets too short for MPPE's header"},
	{name: "not_encrypted", what: "packets without the bit for encrypted"},
	{name: "not_flushed", what: "stateless: packets without the bit that says so"},
	{name: "rekeys_in", what: "keys made for packets in"},
	{name: "rekeys_out", what: "keys made for packets out"},
	{name: "resyncs", what: "outages that were recovered from"},
	{name: "resets_asked", what: "stateful: times the peer was asked to flush its tables"},
	{name: "resets_answered", what: "stateful: times the tables were flushed for the peer"},
}

// sessionFields are the numbers in a session's counters.
var sessionFields = []Field{
	{name: "call_id", what: "this end's ID of the call, which comes with every packet in", now: true},
	{name: "peer_call_id", what: "the peer's ID of the call, which goes with every packet out", now: true},
	{name: "sequence_in", what: "the highest GRE number that is believed", now: true},
	{name: "sequence_out", what: "the last GRE number that was sent", now: true},
	{name: "sequence_acked", what: "the GRE number that the peer has acknowledged last; 0: none", now: true},
	{name: "window_held_packets", what: "packets that wait in the reorder window", now: true},
	{name: "window_held_bytes", what: "their bytes", now: true},
	{name: "window_wait_us", what: "how long a packet waits for a missing one, in microseconds: --reorder-timeout, or less where that has been enough lately", now: true},
	{name: "window_marked", what: "GRE numbers that carried no data, but control frames"},
	{name: "control_frames_in", what: "PPP control frames taken"},
	{name: "control_frames_out", what: "PPP control frames sent"},
	{name: "ppp_retransmissions", what: "PPP packets sent again because no answer came in time"},
	{name: "ppp_requests_again", what: "Configure-Requests sent again at once, for the peer's protocol came up after them"},
	{name: "ppp_unasked", what: "PPP answers to nothing that was asked"},
	{name: "ppp_rejects_disbelieved", what: "PPP rejects that return nothing we sent, or of what both ends have agreed on"},
	{name: "ppp_forged", what: "PPP requests to end or to start over that were forged: the peer went on as before"},
	{name: "ppp_too_often", what: "PPP requests to start over that came too often and were ignored"},
	{name: "in_malformed", what: "packets whose GRE or PPP header does not parse"},
	{name: "in_disbelieved", what: "packets with a GRE number far from the live one"},
	{name: "in_repeated_frames", what: "control frames that came twice"},
	{name: "in_not_up", what: "data that came before the link was open for it"},
	{name: "in_clear_refused", what: "data in clear on a link that encrypts"},
	{name: "in_undecipherable", what: "encrypted packets that gave nothing sound: forged, or a wrong key"},
	{name: "in_late", what: "encrypted packets older than any key that is kept"},
	{name: "in_repeated", what: "encrypted packets that came twice"},
	{name: "in_out_of_reach", what: "encrypted packets too far ahead to be deciphered yet"},
	{name: "in_too_long", what: "packets longer than was agreed"},
	{name: "in_spoofed", what: "packets whose source address is not the peer's"},
	{name: "in_router_messages", what: "ICMPv6 packets of the peer that would give this machine routes, and were not passed on"},
	{name: "in_overrun", what: "control frames that came faster than they could be answered"},
	{name: "device_errors", what: "times the TUN device refused packets"},
	{name: "out_not_up", what: "packets for the peer while the link was not open"},
	{name: "out_fragmented", what: "packets for the peer above the MTU that left in fragments"},
	{name: "out_fragments", what: "those fragments, which are counted in packets_out too"},
	{name: "out_icmp_too_big", what: "packets above the MTU that may not be fragmented, and whose sender was told by ICMP what fits"},
	{name: "out_too_long", what: "packets above the MTU that were dropped without that: of a sender that was told just now, or that must not be"},
	{name: "out_past_kernel", what: "GRE packets that were sent past the kernel's IP layer (--io)"},
	{name: "out_link_full", what: "of those, packets the interface had no room for"},
	{name: "out_back_to_raw", what: "times the raw socket was gone back to"},
	{name: "out_not_ip", what: "packets for the peer of a protocol the tunnel does not carry"},
}

// nowFields are the names of the fields that tell how things stand.
var nowFields = func() map[string]bool {
	names := make(map[string]bool)
	for _, f := range sessionFields {
		names[f.name] = f.now
	}
	return names
}()

// splitCounters separates numbers that only grow from those that tell how things stand. A name that
// is not listed, of a tunnel newer than this program, counts as a counter.
func splitCounters(all map[string]uint64) (counters, state map[string]uint64) {
	counters, state = make(map[string]uint64), make(map[string]uint64)
	for name, n := range all {
		if nowFields[name] {
			state[name] = n
		} else {
			counters[name] = n
		}
	}
	return counters, state
}

// FieldsText documents what arc4 status --json writes.
var FieldsText = `"arc4 status --json" writes an array with an object for each process. Names stay what they are, and others may be added.
Numbers are whole and exact, up to 2^64-1; times are RFC 3339; an address that is not agreed yet is "". Counters only
grow while a session lives, and start at 0 with it.

    time      when the process answered
    process   version, role (client or server), pid, started, profile (a client's), device (the TUN device), listen (a server's addresses),
      backend and backend_why, and memory: mode (small or normal) and why, and in bytes resident (in memory now), peak (the most
      that was), usable (what the machine or the control group has) and collector_limit (GOMEMLIMIT)
    client    what a client does, whether it has a session or not: state (connecting, up, reconnecting or waiting), since, attempts (made since
      the tunnel was up last), reason (why the last attempt, or the tunnel, ended; not while it is up) and next_attempt (while
      reconnecting: when; sooner if the network changes), waits_for (not while it is up: server, its answer on TCP; call, its
      answer to the call; link, the login and the agreement on encryption and addresses; pause, the end of the pause, or another
      network; network, a way to the server; packet, a packet for the tunnel), until (when that ends at the latest; absent if nothing here
      limits it) and woken_by (the packet that asked for the tunnel, with --on-demand)
    sessions  the sessions there are, ordered by id; see below
    totals    since the process started, ended sessions included: sessions, the traffic of all as named below, and window
    refused   what was turned away, by reason; a server's: connections (all sessions were in use), authentication (wrong
      passwords), banned (logins and connections during a ban), evicted (connections and calls that made room for another
      before anybody had logged in), late (connections on which nobody logged in within --login-grace-time); of both:
      gre_no_session (packets from outside), ip_no_session (packets of this machine), ip_loop (this machine's own GRE and
      control connection, which came out of the TUN device they are to carry packets of, and were dropped); a client's with
      --on-demand: ip_on_demand (packets that were kept for the tunnel and could not be sent)
    way       a client's way to the server, around the tunnel: server (its address), device, gateway, source (our address); while
      there is none, device is "" and missing says why
    names     a client's, while this machine asks the tunnel's name servers: by (who was told), servers, domains (those they are
      asked about; absent if all)` + proxyFields + `
    bans      a server's bans in force, the last to end first, 100 at most; bans_more: how many there are beyond these

A ban:

    address   that failed to log in too often
    user      who did; "" or absent: all users at the address
    since     when it began
    until     when it ends
    failures  how many it took
    why       the same in words

A session:

    id        names it within the process
    user      as the peer gave it
    peer      the peer's address outside the tunnel
    local     this end's address in the tunnel
    remote    the peer's
    state     negotiating, up, or closing (this end or the peer has begun to end it)
    since     when that began
    heard     when the peer gave its last sign of life: an answer to LCP, or data; absent before
    echoes_unanswered  LCP Echo-Requests that it has not answered since
    auth      how the user was authenticated; "" before
    mtu       the largest IP packet in the tunnel, in bytes
    policy    the reorder policy: order, drop or immediate
    io        how GRE packets are sent: way (xsk, packet or raw) and why
    mppe      strength (bits of the key; 0: not encrypted), stateless, and counters
    window    counters of the reorder window: accepted (in order), under_window (too late), buffered (came early and waited),
      duplicated (came twice), lost (never came in time)
    counters  all other numbers, by name

Its traffic stands beside these: bytes_in, bytes_out, packets_in and packets_out are the IP packets that went through the
tunnel, acks_in and acks_out are GRE acknowledgments without data.

The counters of mppe:

` + fieldsText(mppeFields, false) + `
The other counters:

` + fieldsText(sessionFields, false) + `
And among these, numbers that are no counters but tell how things stand now:

` + fieldsText(sessionFields, true)

func fieldsText(fields []Field, now bool) string {
	var b strings.Builder
	for _, f := range fields {
		if f.now == now {
			fmt.Fprintf(&b, clidoc.Indent+"%s  %s\n", f.name, f.what)
		}
	}
	return b.String()
}
