package tunnel

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestUserComesBack: who connects again has the address from before, though others have come
// meanwhile.
func TestUserComesBack(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) {
		c.Lookup = func(string) (Account, bool) { return Account{Account: ppp.Account{Password: "secret"}}, true }
	})
	up := func(outer, user string) *guest {
		g := s.guest(outer, func(c *ClientConfig) { c.User = user })
		g.waitUp()
		return g
	}
	leave := func(g *guest) {
		in := s.pool.InUse()
		g.quit()
		s.eventually(func() bool { return s.pool.InUse() == in-1 }, "the address is free")
	}
	alice, bob := up("127.0.0.3", "alice"), up("127.0.0.4", "bob")
	address := alice.network.Local
	leave(alice)
	carol := up("127.0.0.5", "carol")
	require.NotEqual(t, address, carol.network.Local)
	leave(bob)
	for range 3 {
		alice = up("127.0.0.6", "alice") // from another place too
		require.Equal(t, address, alice.network.Local)
		alice.exchange(3)
		leave(alice)
	}
	leave(carol)
	s.empty()
	s.close()
}

// TestReplacedSessionLeavesItsAddress: who comes back while the server still believes in the
// session from before has its address all the same, where a user may have one session.
func TestReplacedSessionLeavesItsAddress(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.SessionsPerUser = 1 })
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	address := g.network.Local
	for _, from := range []string{"127.0.0.4", "127.0.0.5", "127.0.0.6"} {
		lost := g
		s.net.passing(func(from, to netip.Addr, _ []byte) bool { return from != lost.outer && to != lost.outer })
		g = s.guest(from, nil)
		g.waitUp()
		require.Equal(t, address, g.network.Local)
		g.exchange(5)
		s.net.passing(nil)
		lost.waitEnd()
		s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 1 }, "the session left behind has ended")
		g.exchange(5)
	}
	g.quit()
	s.empty()
	s.close()
}

// lockedLog is a log that notes which of its lines are written under a server's lock.
type lockedLog struct {
	slog.Handler
	server *atomic.Pointer[Server]
	said   *atomic.Int32 // lines about a session that ends for another
	locked *atomic.Int32
}

func (l lockedLog) Handle(ctx context.Context, r slog.Record) error {
	if v := l.server.Load(); v != nil && r.Message == "session ends for a later one of its user" {
		l.said.Add(1)
		// Others hold it for a moment.
		for began := time.Now(); !v.mu.TryRLock(); time.Sleep(time.Millisecond) {
			if time.Since(began) > 10*time.Second {
				l.locked.Add(1)
				return l.Handler.Handle(ctx, r)
			}
		}
		v.mu.RUnlock()
	}
	return l.Handler.Handle(ctx, r)
}

func (l lockedLog) WithAttrs(a []slog.Attr) slog.Handler {
	l.Handler = l.Handler.WithAttrs(a)
	return l
}

// TestASlowLogStopsNoPackets: what is said of a session that ends for another is not said under the
// lock that every packet from the device needs.
func TestASlowLogStopsNoPackets(t *testing.T) {
	l := lockedLog{server: new(atomic.Pointer[Server]), said: new(atomic.Int32), locked: new(atomic.Int32)}
	s := newSite(t, func(c *ServerConfig) {
		c.SessionsPerUser = 1
		l.Handler = c.Log.Handler()
		c.Log = slog.New(l)
	})
	l.server.Store(s.server)
	first := s.guest("127.0.0.3", nil)
	first.waitUp()
	second := s.guest("127.0.0.4", nil)
	second.waitUp()
	first.waitEnd()
	second.quit()
	s.close()
	require.EqualValues(t, 1, l.said.Load())
	require.Zero(t, l.locked.Load(), "lines under the lock")
}
