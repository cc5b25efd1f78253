package session

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// Snapshot is a session as status shows it.
func (s *Session) Snapshot() status.Session {
	st := s.getState()
	v := status.Session{
		ID:   s.ID(),
		User: cmp.Or(st.user, st.failed), Peer: s.peer.String(), Local: st.network.Local, Remote: st.network.Remote,
		State: st.phase, Since: s.since, Policy: s.cfg.Reorder.Policy.String(),
		MPPE:     status.MPPE{Strength: st.strength, Stateless: st.stateless},
		Counters: status.Counters{"call_id": uint64(s.callID), "peer_call_id": uint64(s.peerCallID)},
	}
	if !st.since.IsZero() {
		v.Since = st.since
	}
	if st.authed {
		v.Auth = st.method.String()
	}
	for name, n := range linkCounters(st.link) {
		v.Counters[name] = n
	}
	s.snapshotIn(&v)
	s.snapshotOut(&v)
	return v
}

// snapshotIn reads what the way in has counted.
func (s *Session) snapshotIn(v *status.Session) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	v.MTU = s.in.mtu
	v.Window = windowCounters(s.in.win.Stats())
	v.BytesIn, v.PacketsIn, v.AcksIn = s.in.stats.Bytes, s.in.stats.Packets, s.in.stats.Acks
	c := v.Counters
	c["window_marked"] = s.in.win.Stats().Marked
	held, heldBytes := s.in.win.Held()
	c["window_held_packets"], c["window_held_bytes"] = uint64(held), uint64(heldBytes)
	c["window_wait_us"] = uint64(s.in.win.Wait().Microseconds())
	c["sequence_in"] = uint64(s.in.data.last)
	for name, n := range s.in.stats.dropped() {
		c[name] = n
	}
	c["control_frames_in"] = s.in.stats.Frames
	if s.in.dec == nil {
		return
	}
	d := s.in.dec.Stats()
	v.MPPE.Counters = status.Counters{
		"decrypted_packets": d.Packets, "decrypted_bytes": d.Bytes,
		"late": d.Late, "duplicated": d.Duplicated, "implausible": d.Implausible, "out_of_range": d.OutOfRange,
		"discarded": d.Discarded, "truncated": d.Truncated, "not_encrypted": d.NotEncrypted, "not_flushed": d.NotFlushed,
		"rekeys_in": d.Rekeys, "resyncs": d.Resyncs, "resets_asked": d.Resets,
	}
}

// snapshotOut reads what the way out has counted.
func (s *Session) snapshotOut(v *status.Session) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	o := s.out.stats
	v.BytesOut, v.PacketsOut, v.AcksOut = o.Bytes, o.Packets, o.Acks
	way := s.out.to.Status()
	v.IO = status.IO{Way: way.Way, Why: way.Why}
	v.Counters["out_past_kernel"], v.Counters["out_link_full"], v.Counters["out_back_to_raw"] = way.Fast, way.Lost, way.Falls
	v.Counters["control_frames_out"] = o.Frames
	v.Counters["out_fragmented"], v.Counters["out_fragments"], v.Counters["out_icmp_too_big"] = o.Fragmented, o.Fragments, o.Answered
	v.Counters["out_not_up"], v.Counters["out_too_long"], v.Counters["out_not_ip"] = o.NotUp, o.TooLong, o.NotIP
	if s.out.enc == nil {
		return
	}
	e := s.out.enc.Stats()
	if v.MPPE.Counters == nil {
		v.MPPE.Counters = status.Counters{}
	}
	v.MPPE.Counters["encrypted_packets"], v.MPPE.Counters["encrypted_bytes"] = e.Packets, e.Bytes
	v.MPPE.Counters["rekeys_out"], v.MPPE.Counters["resets_answered"] = e.Rekeys, e.Resets
}

// linkCounters names what the PPP link has met that is worth knowing.
func linkCounters(s ppp.Stats) map[string]uint64 {
	return map[string]uint64{
		"ppp_retransmissions": s.Retransmissions, "ppp_requests_again": s.RequestsAgain, "ppp_unasked": s.WrongID,
		"ppp_rejects_disbelieved": s.RejectsDisbelieved, "ppp_forged": s.Forged, "ppp_too_often": s.TooOften,
	}
}

// dropped names every reason for which a packet from the peer went no further.
func (s inStats) dropped() map[string]uint64 {
	return map[string]uint64{
		"in_malformed": s.Malformed, "in_disbelieved": s.Disbelieved, "in_repeated_frames": s.RepeatedFrames,
		"in_not_up": s.NotUp, "in_clear_refused": s.ClearRefused, "in_undecipherable": s.Undecipherable,
		"in_late": s.Late, "in_repeated": s.Repeated, "in_out_of_reach": s.OutOfReach, "in_too_long": s.TooLong,
		"in_spoofed": s.Spoofed, "in_router_messages": s.RouterMessages, "in_overrun": s.Overrun, "device_errors": s.DeviceErrors,
	}
}

func windowCounters(w reorder.Stats) status.Window {
	return status.Window{
		Accepted: w.Accepted, UnderWindow: w.UnderWindow, Buffered: w.Buffered, Duplicated: w.Duplicated, Lost: w.Lost,
	}
}

// LastWords logs what a session that ended has done.
func (s *Session) LastWords(level slog.Level, reason *ppp.DownError) status.Session {
	v := s.Snapshot()
	s.log.Log(context.Background(), level, "session ended", "reason", reason.Message, "user", v.User,
		"bytes_in", v.BytesIn, "bytes_out", v.BytesOut, "lost", v.Window.Lost)
	return v
}
