package tunnel

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestUserComesBack: who connects again has the address from before, though others have come meanwhile.
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

// TestReplacedSessionLeavesItsAddress: who comes back while the server still believes in the session from before has its
// address all the same, where a user may have one session.
func TestReplacedSessionLeavesItsAddress(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.SessionsPerUser = 1 })
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	address := g.network.Local
	for _, from := range []string{"127.0.0.4", "127.0.0.5", "127.0.0.6"} {
		lost := g
		s.hub.passing(func(from, to netip.Addr, _ []byte) bool { return from != lost.outer && to != lost.outer })
		g = s.guest(from, nil)
		g.waitUp()
		require.Equal(t, address, g.network.Local)
		g.exchange(5)
		s.hub.passing(nil)
		lost.waitEnd()
		s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 1 }, "the session left behind has ended")
		g.exchange(5)
	}
	g.quit()
	s.empty()
	s.close()
}
