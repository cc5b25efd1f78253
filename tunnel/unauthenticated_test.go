package tunnel

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestFloodOfCalls: a stranger who asks for call after call on one connection gets a few, and
// leaves nothing behind.
func TestFloodOfCalls(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.MaxSessions = 10 })
	says := control.StartRequest{Version: control.Version}.AppendTo(nil)
	for i := range uint16(100) {
		says = control.OutgoingCallRequest{CallID: i, Window: 64}.AppendTo(says)
	}
	stranger := s.stranger("127.0.0.6", says)
	s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == control.DefaultMaxCalls }, "some calls are up")
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	g.exchange(10)
	require.Len(t, s.server.Snapshot().Sessions, control.DefaultMaxCalls+1)
	require.NoError(t, stranger.Close())
	g.quit()
	s.empty()
	s.server.mu.RLock()
	require.Zero(t, s.server.places)
	s.server.mu.RUnlock()
	for _, r := range s.server.receivers {
		require.Zero(t, r.InUse())
	}
	s.close()
}

// TestStrangerWithoutAUser: a control connection on which nobody authenticates is closed, though
// its calls outlive the time it has.
func TestStrangerWithoutAUser(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) {
		c.Guard.Handshake = 50 * time.Millisecond
		c.restartTimer = 20 * time.Millisecond // the calls end after ten of these
	})
	says := control.StartRequest{Version: control.Version}.AppendTo(nil)
	says = control.OutgoingCallRequest{CallID: 1, Window: 64}.AppendTo(says)
	silent, calling := s.stranger("127.0.0.6", nil), s.stranger("127.0.0.7", says)
	s.hungUp(silent)
	s.hungUp(calling)
	s.empty()
	s.close()
}

// TestIPv6AddressOfAnother: a client names its own interface identifier, and may not have another
// user's.
func TestIPv6AddressOfAnother(t *testing.T) {
	own := netip.MustParseAddr("fe80::1")
	s := newSite(t, func(c *ServerConfig) {
		c.IPv6, c.LocalIP6 = true, own
		c.Lookup = func(string) (Account, bool) { return Account{Account: ppp.Account{Password: "secret"}}, true }
	})
	// The same dice give the same identifier.
	as := func(user string) func(*ClientConfig) {
		return func(c *ClientConfig) {
			c.User, c.IPv6, c.Rand = user, true, rand.NewChaCha8([32]byte{1})
		}
	}
	ready := func(g *guest) {
		g.waitUp()
		for !g.network.LocalIPv6.IsValid() || !g.network.Local.IsValid() {
			select {
			case g.network = <-g.up:
			case <-time.After(timeout):
				require.FailNow(t, "IPv6 does not come up")
			}
		}
		s.eventually(g.ready6, "both ends pass IPv6")
	}
	first := s.guest("127.0.0.3", as("alice"))
	ready(first)
	// Another user who takes the same is given a free one, and nobody loses anything.
	mallory := s.guest("127.0.0.4", as("mallory"))
	ready(mallory)
	require.NotEqual(t, first.network.LocalIPv6, mallory.network.LocalIPv6)
	mallory.exchange(10)
	// Who chose it at the same moment has IPv4 alone.
	other := s.server.route(packet(serverIP, mallory.network.Local, 0, 0))
	no6, err := s.server.setRoutes(other, ppp.NetworkUp{Remote: mallory.network.Local, RemoteIPv6: first.network.LocalIPv6})
	require.NoError(t, err)
	require.True(t, no6)
	mallory.exchange(10)
	mallory.quit()
	s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 1 }, "the other has gone")
	down := packet6(own, first.network.LocalIPv6, 1, 0)
	s.dev.Put(down)
	require.Equal(t, down, arrived(t, first.dev))
	first.exchange(10)

	// Who comes back while the old session has not been missed yet takes over.
	again := s.guest("127.0.0.5", as("alice"))
	ready(again)
	require.Equal(t, first.network.LocalIPv6, again.network.LocalIPv6)
	s.dev.Put(down)
	require.Equal(t, down, arrived(t, again.dev))
	first.quit()
	s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 1 }, "the first has gone")
	s.dev.Put(down)
	require.Equal(t, down, arrived(t, again.dev))
	again.quit()
	s.empty()
	s.close()
}

// TestClientDeviceFails: a tunnel whose local device is gone ends with that as the reason, not as
// if it had been asked to.
func TestClientDeviceFails(t *testing.T) {
	s := newSite(t, nil)
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	g.exchange(10)
	g.dev.End = errors.New("the interface is gone")
	require.NoError(t, g.dev.Close())
	err := g.waitEnd()
	require.Equal(t, ClassOther, ClassOf(err))
	require.ErrorContains(t, err, "the interface is gone")
	s.empty()
	s.close()
}
