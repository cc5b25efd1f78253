package report

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

func TestHealth(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	up := func(v status.Session) status.Snapshot {
		v.ID = "7"
		if v.Heard.IsZero() {
			v.Heard = now.Add(-3 * time.Second)
		}
		return status.Snapshot{Time: now, Client: &status.Client{State: status.Up, Since: now.Add(-time.Minute)}, Sessions: []status.Session{v}}
	}
	sent := func(out, acked uint64) status.Session {
		return status.Session{Counters: status.Counters{"sequence_out": out, "sequence_acked": acked}}
	}
	client := func(c status.Client) status.Snapshot { return status.Snapshot{Time: now, Client: &c} }
	ago := func(s status.Snapshot) *status.Snapshot {
		s.Time = s.Time.Add(-2 * time.Second)
		return &s
	}
	heardSince := sent(11, 9)
	heardSince.Heard = now.Add(-time.Second)
	cameSince := sent(11, 9)
	cameSince.PacketsIn = 1
	otherProcess := up(sent(10, 9))
	otherProcess.Process.PID = 5
	for _, c := range []struct {
		name   string
		now    status.Snapshot
		before *status.Snapshot
		want   Health
	}{
		{"a server", status.Snapshot{Time: now}, nil, Health{OK: true, Line: "server, 0 sessions"}},
		{"a server with sessions", status.Snapshot{Time: now, Sessions: make([]status.Session, 1)}, nil, Health{OK: true, Line: "server, 1 session"}},
		{"it waits for a packet", client(status.Client{State: status.Waiting, Since: now.Add(-time.Hour)}), nil, Health{OK: true, Line: "waiting for a packet, for 1h0m0s"}},
		{"it connects", client(status.Client{State: status.Connecting, Since: now.Add(-time.Second), WaitsFor: status.ForServer}), nil,
			Health{Line: "connecting for 1s, waits for the server's answer on TCP"}},
		{"it pauses", client(status.Client{State: status.Reconnecting, Since: now.Add(-5 * time.Second), NextAttempt: now.Add(12 * time.Second), WaitsFor: status.ForNetwork, Reason: "fell\x1b"}), nil,
			Health{Line: "reconnecting for 5s, next attempt in 12s, waits for a network with a way to the server; the last one ended: fell?"}},
		{"up without a session, for a moment", client(status.Client{State: status.Up, Since: now}), nil, Health{Line: "up for 0s"}},
		{"up and idle", up(sent(9, 9)), nil, Health{OK: true, Line: "up for 1m0s, heard 3s ago"}},
		{"an echo is under way", up(status.Session{Unanswered: 1}), nil, Health{OK: true, Line: "up for 1m0s, heard 3s ago"}},
		{"echoes without answers", up(status.Session{Unanswered: 2, Heard: now.Add(-70 * time.Second)}), nil, Health{Line: "2 LCP echoes were not answered, heard 1m10s ago"}},
		{"something is under way", up(sent(10, 9)), nil, Health{OK: true, Line: "up for 1m0s, heard 3s ago", Doubtful: true}},
		{"a peer that acknowledges nothing", up(sent(10, 0)), nil, Health{OK: true, Line: "up for 1m0s, heard 3s ago"}},
		{"it was acknowledged", up(sent(20, 10)), ago(up(sent(10, 9))), Health{OK: true, Line: "up for 1m0s, heard 3s ago"}},
		{"it was not", up(sent(20, 9)), ago(up(sent(10, 9))), Health{Line: "GRE packets were not acknowledged for 2s, and none came, heard 3s ago"}},
		{"nor across the wrap", up(sent(5, 1<<32-3)), ago(up(sent(1<<32-1, 1<<32-3))), Health{Line: "GRE packets were not acknowledged for 2s, and none came, heard 3s ago"}},
		{"but something came", up(cameSince), ago(up(sent(10, 9))), Health{OK: true, Line: "up for 1m0s, heard 3s ago"}},
		{"but LCP was answered", up(heardSince), ago(up(sent(10, 9))), Health{OK: true, Line: "up for 1m0s, heard 1s ago"}},
		{"another session", up(sent(20, 9)), ago(status.Snapshot{Sessions: []status.Session{{ID: "6", Counters: sent(10, 9).Counters}}}), Health{OK: true, Line: "up for 1m0s, heard 3s ago"}},
		{"another process", up(sent(20, 9)), ago(otherProcess), Health{OK: true, Line: "up for 1m0s, heard 3s ago"}},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, HealthOf(c.now, c.before)) })
	}
}
