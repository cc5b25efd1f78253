package tunnel

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// serverCall is one call and its session.
type serverCall struct {
	k       *serverConn
	session *session.Session
	down    *ppp.DownError
	startup *startup               // at the guard, until a user is logged in
	name    atomic.Pointer[string] // of that user

	// Of an authenticated user, under the server's lock.
	user     string
	placed   bool        // it has a place among the sessions
	address  netip.Addr  // it has the lease of
	replaces *serverCall // a session of the user that ends for this one; nil: none does

	// Of the session's goroutine.
	watcher SessionWatcher // nil: nobody watches
	network ServerSession
}

// evict ends the call for another that needs its room.
func (c *serverCall) evict() {
	c.k.v.counted.evicted.Add(1)
	select {
	case c.k.clear <- c:
	default: // many of this connection must go, and the time of a call without a user is short anyway
	}
}

// known is the user that has logged in, or empty.
func (c *serverCall) known() string {
	if name := c.name.Load(); name != nil {
		return *name
	}
	return ""
}

func (c *serverCall) AuthSucceeded(s *session.Session, e ppp.AuthSucceeded) {
	c.k.login(c, e.User)
	s.Log().Info("authenticated", "user", e.User, "method", e.Method.String())
}

// barred is why a user may not log in at the moment whatever the password, as the user is told;
// empty: the password decides.
func (c *serverCall) barred(user string) string {
	wait := c.k.v.guard.barred(c.k.v.cfg.Now(), c.k.peer, user)
	if wait <= 0 {
		return ""
	}
	return fmt.Sprintf("banned after failed logins, for %d s more", int64(wait/time.Second)+1)
}

func (c *serverCall) AuthFailed(s *session.Session, e ppp.AuthFailed) {
	v := c.k.v
	if e.Barred {
		v.counted.banned.Add(1)
		s.Log().Warn("login refused", "user", e.User, "method", e.Method.String(), "reason", e.Message)
		return
	}
	v.counted.authFailures.Add(1)
	attrs := []any{"user", e.User, "method", e.Method.String(), "reason", e.Message}
	if v.cfg.Explain != nil {
		if why := v.cfg.Explain(e.User); why != "" {
			attrs = append(attrs, "because", why)
		}
	}
	s.Log().Warn("authentication failed", attrs...)
	for _, b := range v.guard.failed(v.cfg.Now(), c.k.peer, e.User) {
		length := b.until.Sub(b.since)
		if b.user == "" {
			v.strangers.Warn("address banned", "peer", b.addr, "failures", b.failures, "for", length)
		} else {
			v.strangers.Warn("user banned at an address", "peer", b.addr, "user", b.user, "failures", b.failures, "for", length)
		}
	}
}

func (c *serverCall) NetworkUp(s *session.Session, e ppp.NetworkUp) (netdev.Device, error) {
	no6, err := c.k.v.setRoutes(s, e)
	if err != nil {
		return nil, err
	}
	if no6 {
		s.Log().Warn("the client's IPv6 address belongs to another client: it has IPv4 alone", "user", s.User(), "address", e.RemoteIPv6)
		s.CloseIPv6()
	}
	if v := c.k.v; v.cfg.Watch != nil {
		if c.watcher == nil {
			c.watcher = v.cfg.Watch()
		}
		c.network = ServerSession{
			User: s.User(), Peer: c.k.peer, Local: e.Local, Remote: e.Remote, LocalIPv6: e.LocalIPv6, RemoteIPv6: e.RemoteIPv6,
		}
		if no6 {
			c.network.LocalIPv6, c.network.RemoteIPv6 = netip.Addr{}, netip.Addr{}
		}
		c.watcher.Preparing(c.network)
	}
	s.Log().Info("tunnel is up", "user", s.User(), "remote", e.Remote, "mtu", s.MTU(e), "mppe", s.Strength())
	return c.k.v.cfg.Device, nil
}

func (c *serverCall) Opened(*session.Session) {
	if c.watcher != nil {
		c.watcher.Up(c.network)
	}
}

func (c *serverCall) NetworkDown(s *session.Session) {
	c.k.v.dropRoutes(s)
	if c.watcher != nil {
		c.watcher.Down(s.Snapshot().Traffic)
	}
}
