package tunnel

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClientLeaves(t *testing.T) {
	s := newSite(t, nil)
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	g.exchange(20)
	require.Equal(t, 1, s.pool.InUse())
	before := s.server.Snapshot().Totals
	require.EqualValues(t, 20, before.PacketsIn)

	g.quit()
	s.empty()
	after := s.server.Snapshot().Totals
	assert.EqualValues(t, 1, after.Sessions)
	assert.Equal(t, before.PacketsIn, after.PacketsIn)
	assert.Equal(t, before.PacketsOut, after.PacketsOut)
	assert.Equal(t, before.BytesIn, after.BytesIn)
	assert.Equal(t, before.BytesOut, after.BytesOut)
	mine := g.client.Snapshot()
	assert.Empty(t, mine.Sessions)
	assert.EqualValues(t, 1, mine.Totals.Sessions)
	assert.Equal(t, before.BytesIn, mine.Totals.BytesOut)
	assert.Len(t, g.down, 1)

	// The place is free for the next one, who is counted on top.
	g = s.guest("127.0.0.3", nil)
	g.waitUp()
	g.exchange(20)
	assert.EqualValues(t, 2, s.server.Snapshot().Totals.Sessions)
	assert.EqualValues(t, 40, s.server.Snapshot().Totals.PacketsIn)
	g.quit()
	s.close()
}

func TestServerStops(t *testing.T) {
	s := newSite(t, nil)
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	g.exchange(5)
	s.close()
	err := g.waitEnd()
	assert.Equal(t, ClassPeer, ClassOf(err), "%v", err)
	assert.ErrorContains(t, err, "shutting down")
	assert.Len(t, g.down, 1)
	assert.Empty(t, g.client.Snapshot().Sessions)
}

// TestReconnect: a client comes back only if it is told to, and then traffic waits in the device
// that the client has kept for the next server on the same address.
func TestReconnect(t *testing.T) {
	s := newSite(t, nil)
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	s.close()
	require.Error(t, g.waitEnd())
	require.Len(t, g.tcp, 1)

	s.open()
	g = s.guest("127.0.0.3", func(c *ClientConfig) { c.Reconnect = true })
	first := g.waitUp()
	g.exchange(20)
	s.close()
	select {
	case <-g.down:
	case <-time.After(timeout):
		require.FailNow(t, "the client does not see that the server has gone")
	}
	s.open()
	require.Equal(t, first.Local, g.waitUp().Local)
	require.Equal(t, 2, g.brought)
	g.exchange(20)
	assert.EqualValues(t, 2, g.client.Snapshot().Totals.Sessions)
	assert.EqualValues(t, 40, g.client.Snapshot().Totals.PacketsIn)
	g.quit()
	s.empty()
	s.close()
}

// TestControlConnectionCut: a call does not outlive its control connection (RFC 2637 section
// 3.1.4), whichever way that ends.
func TestControlConnectionCut(t *testing.T) {
	for name, linger := range map[string]int{"closed": -1, "reset": 0} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			g := s.guest("127.0.0.3", nil)
			g.waitUp()
			g.exchange(5)
			tcp := <-g.tcp
			require.NoError(t, tcp.SetLinger(linger))
			require.NoError(t, tcp.Close())
			err := g.waitEnd()
			assert.Equal(t, ClassNetwork, ClassOf(err), "%v", err)
			assert.ErrorContains(t, err, "control connection")
			s.empty()
			assert.EqualValues(t, 5, s.server.Snapshot().Totals.PacketsIn)
			s.close()
		})
	}
}

// TestServerDropsControlConnection is the same, from the other end: the server process is gone at
// once.
func TestServerDropsControlConnection(t *testing.T) {
	s := newSite(t, nil)
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	tcp := <-g.tcp
	require.NoError(t, tcp.CloseRead()) // the client reads the end of the stream, as when the server's FIN comes
	err := g.waitEnd()
	assert.Equal(t, ClassNetwork, ClassOf(err), "%v", err)
	s.empty()
	s.close()
}

func TestGREBlocked(t *testing.T) {
	for name, pass := range map[string]func(from netip.Addr) bool{
		"both ways":       func(netip.Addr) bool { return false },
		"from the server": func(from netip.Addr) bool { return from != serverOuter },
		"to the server":   func(from netip.Addr) bool { return from == serverOuter },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			s.net.passing(func(from, _ netip.Addr, _ []byte) bool { return pass(from) })
			g := s.guest("127.0.0.3", func(c *ClientConfig) { c.restartTimer = 20 * time.Millisecond })
			err := g.waitEnd()
			assert.Equal(t, ClassNetwork, ClassOf(err), "%v", err)
			assert.ErrorContains(t, err, "GRE (IP protocol 47) is blocked")
			assert.Empty(t, g.up)
			s.empty()
			s.close()
		})
	}
}

// TestClientLeavesWhileItNegotiates: nothing is left of a call that was never up.
func TestClientLeavesWhileItNegotiates(t *testing.T) {
	s := newSite(t, nil)
	s.net.passing(func(_, _ netip.Addr, _ []byte) bool { return false })
	g := s.guest("127.0.0.3", func(c *ClientConfig) { c.restartTimer = 50 * time.Millisecond })
	s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 1 }, "the call is up")
	g.quit()
	s.empty()
	assert.EqualValues(t, 1, s.server.Snapshot().Totals.Sessions)
	s.close()
}
