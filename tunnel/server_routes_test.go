package tunnel

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestAddressesLeftBehind: a client that negotiates one IPv6 address after another has the last one
// alone; the others are free for whoever wants them.
func TestAddressesLeftBehind(t *testing.T) {
	own := netip.MustParseAddr("fe80::1")
	s := newSite(t, func(c *ServerConfig) { c.IPv6, c.LocalIP6 = true, own })
	g := s.guest("127.0.0.3", func(c *ClientConfig) { c.IPv6 = true })
	g.waitUp()
	s.eventually(g.ready6, "both ends pass IPv6")
	session := s.server.route(packet(serverIP, g.network.Local, 0, 0))
	require.NotNil(t, session)
	var last netip.Addr
	for i := range 1000 {
		last = netip.AddrFrom16([16]byte{0: 0xFE, 1: 0x80, 8: 7, 14: byte(i >> 8), 15: byte(i)})
		no6, err := s.server.setRoutes(session, ppp.NetworkUp{Remote: g.network.Local, RemoteIPv6: last})
		require.NoError(t, err)
		require.False(t, no6)
	}
	s.server.mu.RLock()
	n := len(s.server.byAddress)
	s.server.mu.RUnlock()
	require.Equal(t, 2, n, "one address of each family")
	require.Equal(t, session, s.server.route(packet6(own, last, 0, 0)))
	require.Equal(t, session, s.server.route(packet(serverIP, g.network.Local, 0, 0)))
	g.quit()
	s.empty()
	s.close()
}
