package session

import "github.com/arc4tun/arc4tun/tunnel/ppp"

// What a session counts, and under which names status shows it (status.Session.Counters). A new
// counter is a field and a name here, and a line in cmd/arc4/internal/report/status_fields.go. One
// that says why a packet was dropped has a place in two sums besides, which prove that every packet
// is accounted for: tunnel/counters_test.go and internal/bench/soak/counters.go.

// inStats counts what came, and why what did not pass was dropped.
type inStats struct {
	Packets, Bytes uint64 // IP packets delivered to the device, and their bytes
	Frames         uint64 // PPP control frames taken
	Acks           uint64 // GRE packets that carried only an acknowledgment
	Malformed      uint64 // GRE or PPP headers that do not parse
	Disbelieved    uint64 // sequence number far from the live one
	RepeatedFrames uint64 // control frames seen before
	NotUp          uint64 // data before the link was open for it
	ClearRefused   uint64 // data in clear on an encrypted link
	Undecryptable  uint64 // MPPE that decrypts to nothing sound: forged, or a wrong key
	Late           uint64 // MPPE older than any kept key
	Repeated       uint64 // MPPE that was decrypted before
	OutOfReach     uint64 // MPPE too far ahead to decrypt yet
	TooLong        uint64 // larger than any packet we could have agreed on
	Spoofed        uint64 // source address is not the one given to the peer
	RouterMessages uint64 // ICMPv6 that would give us routes
	Overrun        uint64 // control frames that came faster than they could be answered
	DeviceErrors   uint64 // batches the local device refused
}

// named names what the way in has counted besides.
func (s inStats) named() map[string]uint64 {
	return map[string]uint64{"control_frames_in": s.Frames}
}

// dropped names every reason for which a packet from the peer went no further.
func (s inStats) dropped() map[string]uint64 {
	return map[string]uint64{
		"in_malformed": s.Malformed, "in_disbelieved": s.Disbelieved, "in_repeated_frames": s.RepeatedFrames,
		"in_not_up": s.NotUp, "in_clear_refused": s.ClearRefused, "in_undecipherable": s.Undecryptable,
		"in_late": s.Late, "in_repeated": s.Repeated, "in_out_of_reach": s.OutOfReach, "in_too_long": s.TooLong,
		"in_spoofed": s.Spoofed, "in_router_messages": s.RouterMessages, "in_overrun": s.Overrun, "device_errors": s.DeviceErrors,
	}
}

// outStats counts what left, and what did not.
type outStats struct {
	Packets, Bytes uint64 // IP packets and their bytes
	Frames         uint64 // PPP control frames
	Acks           uint64 // GRE packets that carried only an acknowledgment
	NotUp          uint64 // IP packets dropped because the link was not open for them
	Fragmented     uint64 // IP packets over the MTU that left in fragments
	Fragments      uint64 // the fragments, which count as packets too
	Answered       uint64 // IP packets over the MTU that were answered with ICMP
	TooLong        uint64 // IP packets over the MTU that were dropped without an answer, and control frames
	NotIP          uint64 // neither IPv4 nor IPv6, or the one that was not negotiated
}

// named names what the way out has counted.
func (s outStats) named() map[string]uint64 {
	return map[string]uint64{
		"control_frames_out": s.Frames,
		"out_fragmented":     s.Fragmented, "out_fragments": s.Fragments, "out_icmp_too_big": s.Answered,
		"out_not_up": s.NotUp, "out_too_long": s.TooLong, "out_not_ip": s.NotIP,
	}
}

// linkCounters names what the PPP link has met that is worth knowing.
func linkCounters(s ppp.Stats) map[string]uint64 {
	return map[string]uint64{
		"ppp_retransmissions": s.Retransmissions, "ppp_requests_again": s.RequestsAgain, "ppp_unasked": s.WrongID,
		"ppp_rejects_disbelieved": s.RejectsDisbelieved, "ppp_forged": s.Forged, "ppp_too_often": s.TooOften,
	}
}
