package proxy

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

// counters are those of a listener; see status.ProxyListener.
type counters struct {
	open, accepted, full, malformed, unauthorized, failed, dropped atomic.Uint64
	in, out                                                        atomic.Uint64 // bytes
}

func (c *counters) snapshot() status.ProxyListener {
	return status.ProxyListener{
		Open: c.open.Load(), Accepted: c.accepted.Load(), Full: c.full.Load(), Malformed: c.malformed.Load(), Unauthorized: c.unauthorized.Load(),
		Failed: c.failed.Load(), Dropped: c.dropped.Load(), BytesIn: c.in.Load(), BytesOut: c.out.Load(),
	}
}

// complaints writes what clients cause to the log, each kind of line once in quiet at most.
type complaints struct {
	log *slog.Logger

	mu   sync.Mutex
	said map[string]time.Time
}

// quiet is between two lines of a kind.
const quiet = 30 * time.Second

func (c *complaints) say(text string, attrs ...any) {
	c.mu.Lock()
	last, again := c.said[text]
	if again && time.Since(last) < quiet {
		c.mu.Unlock()
		return
	}
	if c.said == nil {
		c.said = make(map[string]time.Time)
	}
	c.said[text] = time.Now()
	c.mu.Unlock()
	c.log.Warn(text, attrs...)
}
