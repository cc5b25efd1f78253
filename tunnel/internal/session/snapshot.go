package session

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// Snapshot is a session as status shows it.
func (s *Session) Snapshot() status.Session {
	st := s.getState()
	v := status.Session{
		ID:   s.trace.id(),
		User: cmp.Or(st.user, st.failed), Peer: s.peer.String(), Local: st.network.Local, Remote: st.network.Remote,
		State: st.phase, Since: s.since, Policy: s.cfg.Reorder.Policy.String(),
		MPPE:     status.MPPE{Strength: st.strength, Stateless: st.stateless},
		Counters: status.Counters{"call_id": uint64(s.callID), "peer_call_id": uint64(s.peerCallID)},
	}
	if !st.since.IsZero() {
		v.Since = st.since
	}
	v.Heard, v.Unanswered = s.heardAt(st), st.unheard
	if st.authed {
		v.Auth = st.method.String()
	}
	maps.Copy(v.Counters, linkCounters(st.link))
	s.in.snapshot(&v)
	s.out.snapshot(&v)
	return v
}

// heardAt is when the peer gave its last sign of life: an answer to LCP, or data that proved
// itself.
func (s *Session) heardAt(st sessionState) time.Time {
	at := st.life
	for _, data := range []time.Time{s.in.lastOf(isIPv4), s.in.lastOf(isIPv6)} {
		if data.After(at) {
			at = data
		}
	}
	return at
}

// Packets is how many IP packets have passed, both ways.
func (s *Session) Packets() uint64 { return s.in.packets() + s.out.packets() }

func (in *inbound) packets() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.stats.Packets
}

func (o *outbound) packets() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stats.Packets
}

// snapshot reads what the way in has counted.
func (in *inbound) snapshot(v *status.Session) {
	in.mu.Lock()
	defer in.mu.Unlock()
	v.MTU = in.mtu
	v.Window = windowCounters(in.win.Stats())
	v.BytesIn, v.PacketsIn, v.AcksIn = in.stats.Bytes, in.stats.Packets, in.stats.Acks
	c := v.Counters
	c["window_marked"] = in.win.Stats().Marked
	held, heldBytes := in.win.Held()
	c["window_held_packets"], c["window_held_bytes"] = uint64(held), uint64(heldBytes)
	c["window_wait_us"] = uint64(in.win.Wait().Microseconds())
	c["sequence_in"], c["sequence_acked"] = uint64(in.data.last), uint64(in.acked)
	maps.Copy(c, in.stats.named())
	maps.Copy(c, in.stats.dropped())
	if in.dec == nil {
		return
	}
	d := in.dec.Stats()
	v.MPPE.Counters = status.Counters{
		"decrypted_packets": d.Packets, "decrypted_bytes": d.Bytes,
		"late": d.Late, "duplicated": d.Duplicated, "implausible": d.Implausible, "out_of_range": d.OutOfRange,
		"discarded": d.Discarded, "truncated": d.Truncated, "not_encrypted": d.NotEncrypted, "not_flushed": d.NotFlushed,
		"rekeys_in": d.Rekeys, "resyncs": d.Resyncs, "resets_asked": d.Resets,
	}
}

// snapshot reads what the way out has counted.
func (o *outbound) snapshot(v *status.Session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	v.BytesOut, v.PacketsOut, v.AcksOut = o.stats.Bytes, o.stats.Packets, o.stats.Acks
	way := o.to.Status()
	v.IO = status.IO{Way: way.Way, Why: way.Why}
	v.Counters["out_past_kernel"], v.Counters["out_link_full"], v.Counters["out_back_to_raw"] = way.Fast, way.Lost, way.Falls
	v.Counters["sequence_out"] = uint64(o.seq.Last())
	maps.Copy(v.Counters, o.stats.named())
	if o.enc == nil {
		return
	}
	e := o.enc.Stats()
	if v.MPPE.Counters == nil {
		v.MPPE.Counters = status.Counters{}
	}
	v.MPPE.Counters["encrypted_packets"], v.MPPE.Counters["encrypted_bytes"] = e.Packets, e.Bytes
	v.MPPE.Counters["rekeys_out"], v.MPPE.Counters["resets_answered"] = e.Rekeys, e.Resets
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

// traceData shows how many packets with data there were in all.
func (s *Session) traceData() {
	if s.trace.to.On() {
		v := s.Snapshot()
		s.trace.data(v.PacketsIn, v.PacketsOut)
	}
}
