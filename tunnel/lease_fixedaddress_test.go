package tunnel

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// fixedSite has two users whose one address is the same.
func fixedSite(t *testing.T) (s *site, fixed netip.Addr) {
	fixed = netip.MustParseAddr("10.99.0.105")
	s = newSite(t, func(c *ServerConfig) {
		c.Lookup = func(user string) (Account, bool) {
			only := func(a netip.Addr) bool { return a == fixed }
			return Account{Account: ppp.Account{Password: "secret", Allowed: only}, Preferred: fixed}, user == "alice" || user == "mallory"
		}
	})
	return s, fixed
}

// TestFixedAddressComesBackWithItsUser: a client whose network broke comes back long before the
// server misses it, and its one address must not be kept from it by the session that it has left
// behind.
func TestFixedAddressComesBackWithItsUser(t *testing.T) {
	s, fixed := fixedSite(t)
	first := s.guest("127.0.0.3", nil)
	require.Equal(t, fixed, first.waitUp().Local)
	s.net.passing(func(from, to netip.Addr, _ []byte) bool { return from != first.outer && to != first.outer })

	again := s.guest("127.0.0.4", nil)
	require.Equal(t, fixed, again.waitUp().Local)
	again.exchange(10)
	s.net.passing(nil)
	err := first.waitEnd()
	assert.Equal(t, ClassReplaced, ClassOf(err), "%v", err)
	s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 1 }, "the session left behind has ended")
	again.exchange(10)
	require.Equal(t, 1, s.pool.InUse())
	again.quit()
	s.empty()
	s.close()
}

// TestFixedAddressOfAnotherUser: the file gives two users one address, and who comes second waits
// until it is free.
func TestFixedAddressOfAnotherUser(t *testing.T) {
	s, fixed := fixedSite(t)
	first := s.guest("127.0.0.3", nil)
	require.Equal(t, fixed, first.waitUp().Local)
	as := func(c *ClientConfig) { c.User = "mallory" }
	assert.ErrorContains(t, s.guest("127.0.0.4", as).waitEnd(), "no address to give")
	first.exchange(10)
	first.quit()
	s.empty()
	second := s.guest("127.0.0.4", as)
	require.Equal(t, fixed, second.waitUp().Local)
	second.quit()
	s.empty()
	s.close()
}
