package tunnel

import (
	"log/slog"
	"sync"
	"time"
)

// Lines about peers that have no user may be logged at once, and how often another one may: whoever can reach the server
// can cause them.
const (
	strangerLines    = 200
	strangerInterval = time.Second
)

// strangerLog says at which level a line about a peer without a user is logged: at its own, or, when there were too many
// of late, at the level of debugging.
type strangerLog struct {
	mu    sync.Mutex
	lines int       // that may be logged at once now
	since time.Time // when lines was last raised; zero before the first
	muted bool      // it was said that lines are left out
}

// level gives the level of one more line; warn is true for the first that is left out after a quiet time.
func (l *strangerLog) level(now time.Time, own slog.Level) (level slog.Level, warn bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() {
		l.lines, l.since = strangerLines, now
	}
	if n := now.Sub(l.since) / strangerInterval; n > 0 {
		l.lines = int(min(strangerLines, time.Duration(l.lines)+n))
		l.since = l.since.Add(n * strangerInterval)
		l.muted = l.muted && l.lines < strangerLines/2
	}
	if l.lines == 0 {
		warn = !l.muted
		l.muted = true
		return min(own, slog.LevelDebug), warn
	}
	l.lines--
	return own, false
}
