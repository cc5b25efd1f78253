package report

import (
	"fmt"
	"time"

	"github.com/arc4tun/arc4tun/internal/serial"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// Health is the judgement whether packets pass through a tunnel.
type Health struct {
	OK   bool
	Line string // why, for people
	// Doubtful: a second look tells more, after HealthPause.
	Doubtful bool
}

const (
	// HealthPause is the time between two looks: a peer acknowledges within half a second and a
	// round trip.
	HealthPause = 2 * time.Second
	// mostUnanswered is how many LCP Echo-Requests may be without an answer: one may just be under
	// way.
	mostUnanswered = 1
)

// HealthOf judges a tunnel by the answers to LCP echoes and by GRE acknowledgments. before is a
// look at the same process HealthPause ago, or nil. A server passes as long as it answers; a client
// that waits for a packet has nothing to do.
func HealthOf(s status.Snapshot, before *status.Snapshot) Health {
	c := s.Client
	switch {
	case c == nil:
		return Health{OK: true, Line: fmt.Sprintf("server, %d %s", len(s.Sessions), plural(uint64(len(s.Sessions)), "session"))}
	case c.State == status.Waiting:
		return Health{OK: true, Line: "waiting for a packet, for " + age(s.Time, c.Since)}
	case c.State != status.Up || len(s.Sessions) != 1:
		return Health{Line: downLine(s)}
	}
	v := s.Sessions[0]
	heard := "heard " + age(s.Time, v.Heard) + " ago"
	if v.Unanswered > mostUnanswered {
		return Health{Line: fmt.Sprintf("%d LCP echoes were not answered, %s", v.Unanswered, heard)}
	}
	up := Health{OK: true, Line: "up for " + age(s.Time, c.Since) + ", " + heard}
	if before == nil {
		up.Doubtful = unacknowledged(v, v)
		return up
	}
	if len(before.Sessions) == 1 && before.Sessions[0].ID == v.ID && before.Process.PID == s.Process.PID {
		old := before.Sessions[0]
		if unacknowledged(old, v) && v.Heard.Equal(old.Heard) && v.PacketsIn == old.PacketsIn && v.AcksIn == old.AcksIn {
			return Health{Line: fmt.Sprintf("GRE packets were not acknowledged for %s, and none came, %s", s.Time.Sub(before.Time).Round(time.Second), heard)}
		}
	}
	return up
}

// unacknowledged reports whether something that was sent by the time of sent has not been
// acknowledged by that of now. Of a peer that acknowledges nothing it is never told.
func unacknowledged(sent, now status.Session) bool {
	acked := now.Counters["sequence_acked"]
	return acked != 0 && serial.Diff(uint32(sent.Counters["sequence_out"]), uint32(acked)) > 0
}

// downLine says why a client has no tunnel, and what it waits for.
func downLine(s status.Snapshot) string {
	c := s.Client
	line := printable(c.State) + " for " + age(s.Time, c.Since)
	if c.State == status.Reconnecting {
		line += ", next attempt " + until(s.Time, c.NextAttempt)
	}
	if what := waitFor[c.WaitsFor]; what != "" {
		line += ", waits for " + what
	}
	if c.Reason != "" {
		line += "; the last one ended: " + PrintableUpTo(c.Reason, longestReason)
	}
	return line
}
