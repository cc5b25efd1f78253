package tunnel

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"strings"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// snapshot is a session as status shows it.
func (s *Session) snapshot() status.Session {
	st := s.getState()
	v := status.Session{
		ID:   s.id(),
		User: cmp.Or(st.user, st.failed), Peer: s.peer.String(), Local: st.network.Local, Remote: st.network.Remote,
		State: st.phase, Since: s.since, Policy: s.opts.Reorder.Policy.String(),
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

// totals sums sessions, those that have ended among them.
type totals struct {
	sessions uint64
	traffic  status.Traffic
	window   status.Window
	counters status.Counters
}

// clone gives sums of their own.
func (t totals) clone() totals {
	t.counters = maps.Clone(t.counters)
	return t
}

// states are the counters of a session that tell how things stand, and make no sum.
var states = map[string]bool{
	"call_id": true, "peer_call_id": true, "sequence_in": true, "window_held_packets": true, "window_held_bytes": true, "window_wait_us": true,
}

func (t *totals) add(v status.Session) {
	t.sessions++
	t.traffic.BytesIn += v.BytesIn
	t.traffic.BytesOut += v.BytesOut
	t.traffic.PacketsIn += v.PacketsIn
	t.traffic.PacketsOut += v.PacketsOut
	t.traffic.AcksIn += v.AcksIn
	t.traffic.AcksOut += v.AcksOut
	t.window.Accepted += v.Window.Accepted
	t.window.UnderWindow += v.Window.UnderWindow
	t.window.Buffered += v.Window.Buffered
	t.window.Duplicated += v.Window.Duplicated
	t.window.Lost += v.Window.Lost
	if t.counters == nil {
		t.counters = status.Counters{}
	}
	for name, n := range v.Counters {
		if !states[name] {
			t.counters[name] += n
		}
	}
}

func (t totals) status() status.Totals {
	return status.Totals{Sessions: t.sessions, Traffic: t.traffic, Window: t.window, Counters: t.counters}
}

// Snapshot is the client as status shows it; the caller adds what it knows of the process.
func (c *Client) Snapshot() status.Snapshot {
	c.mu.Lock()
	sum, s, trying := c.past.clone(), c.session, c.trying
	c.mu.Unlock()
	snap := status.Snapshot{
		Time:    c.cfg.Now(),
		Process: status.Process{Role: status.RoleClient, Backend: c.cfg.Backend.Name()},
		Client:  &trying,
		Refused: map[string]uint64{"gre_no_session": c.strays.Load(), "ip_no_session": c.unrouted.Load(), "ip_loop": c.looped.Load()},
	}
	if s != nil {
		v := s.snapshot()
		v.User = c.cfg.User
		snap.Sessions = append(snap.Sessions, v)
		sum.add(v)
	}
	snap.Totals = sum.status()
	return snap
}

// Snapshot is the server as status shows it; the caller adds what it knows of the process.
func (v *Server) Snapshot() status.Snapshot {
	v.mu.RLock()
	sum := v.past.clone()
	sessions := make([]*Session, 0, len(v.sessions))
	for s := range v.sessions {
		sessions = append(sessions, s)
	}
	v.mu.RUnlock()
	snap := status.Snapshot{
		Time:    v.cfg.Now(),
		Process: status.Process{Role: status.RoleServer, Listen: v.listens(), Backend: v.cfg.Backend.Name()},
		Refused: map[string]uint64{
			"connections":    v.counted.refused.Load(),
			"authentication": v.counted.authFailures.Load(),
			"banned":         v.counted.banned.Load(),
			"evicted":        v.counted.evicted.Load(),
			"late":           v.counted.late.Load(),
			"gre_no_session": v.strays.Load(),
			"ip_no_session":  v.unrouted.Load(),
			"ip_loop":        v.looped.Load(),
		},
	}
	for _, s := range sessions {
		one := s.snapshot()
		snap.Sessions = append(snap.Sessions, one)
		sum.add(one)
	}
	snap.Totals = sum.status()
	bans, more := v.guard.banned(snap.Time)
	for _, b := range bans {
		snap.Bans = append(snap.Bans, status.Ban{
			Address: b.addr.String(), User: b.user, Since: b.since, Until: b.until, Failures: b.failures, Why: b.why(),
		})
	}
	snap.BansMore = more
	return snap
}

// listens are the addresses of the listeners.
func (v *Server) listens() string {
	var all []string
	for _, l := range v.cfg.Listeners {
		all = append(all, l.Addr().String())
	}
	return strings.Join(all, ", ")
}

// lastWords logs what a session that ended has done.
func (s *Session) lastWords(level slog.Level, reason *ppp.DownError) status.Session {
	v := s.snapshot()
	s.log.Log(context.Background(), level, "session ended", "reason", reason.Message, "user", v.User,
		"bytes_in", v.BytesIn, "bytes_out", v.BytesOut, "lost", v.Window.Lost)
	return v
}
