package tunnel

import (
	"maps"
	"strings"

	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

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
	"call_id": true, "peer_call_id": true, "sequence_in": true, "sequence_out": true, "sequence_acked": true, "window_held_packets": true, "window_held_bytes": true, "window_wait_us": true,
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
	if c.demand != nil {
		snap.Refused["ip_on_demand"] = c.demand.dropped.Load()
	}
	if s != nil {
		v := s.Snapshot()
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
	sessions := make([]*session.Session, 0, len(v.sessions))
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
		one := s.Snapshot()
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
