package tunnel

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestSessionsPerUser: one session more than a user may have ends the user's oldest, and nobody
// else's.
func TestSessionsPerUser(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) {
		c.SessionsPerUser = 2
		c.Lookup = func(string) (Account, bool) { return Account{Account: ppp.Account{Password: "secret"}}, true }
	})
	up := func(outer, user string) *guest {
		g := s.guest(outer, func(c *ClientConfig) { c.User = user })
		g.waitUp()
		return g
	}
	other := up("127.0.0.3", "bob")
	first, second := up("127.0.0.4", "alice"), up("127.0.0.5", "alice")
	first.exchange(5)
	third := up("127.0.0.6", "alice")
	err := first.waitEnd()
	assert.Equal(t, ClassReplaced, ClassOf(err), "%v", err)
	assert.ErrorContains(t, err, "the user has logged in again")
	s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 3 }, "the oldest session has ended")
	fourth := up("127.0.0.7", "alice")
	require.ErrorContains(t, second.waitEnd(), "the user has logged in again")

	// One that ends by itself makes room.
	third.quit()
	s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 2 }, "two sessions are left")
	fifth := up("127.0.0.8", "alice")
	for _, g := range []*guest{other, fourth, fifth} {
		g.exchange(5)
		g.quit()
	}
	s.empty()
	s.server.mu.RLock()
	require.Empty(t, s.server.users)
	s.server.mu.RUnlock()
	s.close()
}

// TestSessionsPerUserLeftBehind: who comes back after the network broke takes the place of the
// session left behind at once, long before the server misses the client.
func TestSessionsPerUserLeftBehind(t *testing.T) {
	small, err := pool.Parse("10.99.0.100-10.99.0.101")
	require.NoError(t, err)
	s := newSite(t, func(c *ServerConfig) { c.SessionsPerUser, c.Pool = 1, small })
	s.pool = small
	first := s.guest("127.0.0.3", nil)
	first.waitUp()
	s.net.passing(func(from, to netip.Addr, _ []byte) bool { return from != first.outer && to != first.outer })
	again := s.guest("127.0.0.4", nil)
	again.waitUp()
	again.exchange(5)
	s.net.passing(nil)
	first.waitEnd()
	s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 1 }, "the session left behind has ended")
	again.exchange(5)
	again.quit()
	s.empty()
	s.close()
}

func TestServerRefusesSessionsPerUser(t *testing.T) {
	_, err := NewServer(ServerConfig{
		Listeners: []net.Listener{&net.TCPListener{}}, Device: newMemDevice(), Pool: new(pool.Pool), LocalIP: serverIP, SessionsPerUser: -1,
		Lookup: func(string) (a Account, ok bool) { return a, false },
	})
	assert.EqualError(t, err, "tunnel: -1 sessions per user: must be 1 or more, or 0 for no limit")
}
