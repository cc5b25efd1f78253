package tunnel

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// ending are the counters in one of which every GRE packet from the peer ends, besides those of the window and of what
// was delivered.
var ending = []string{
	"in_malformed", "in_disbelieved", "in_repeated_frames", "in_not_up", "in_clear_refused", "in_undecipherable", "in_late",
	"in_repeated", "in_out_of_reach", "in_too_long", "in_spoofed", "in_router_messages", "control_frames_in",
}

// booked is how many GRE packets a client or server has accounted for.
func booked(s status.Snapshot) uint64 {
	n := s.Totals.PacketsIn + s.Totals.AcksIn + s.Totals.Window.UnderWindow + s.Totals.Window.Duplicated + s.Refused["gre_no_session"]
	for _, name := range ending {
		n += s.Totals.Counters[name]
	}
	return n
}

// TestBooksBalance: not one packet goes uncounted, though clients come and go while data is under way both ways, and
// though strangers send.
func TestBooksBalance(t *testing.T) {
	s := newSite(t, nil)
	var toServer, toClient atomic.Uint64
	s.hub.passing(func(_, to netip.Addr, _ []byte) bool {
		if to == serverOuter {
			toServer.Add(1)
		} else {
			toClient.Add(1)
		}
		return true
	})
	stranger := s.hub.listen(netip.MustParseAddr("127.0.0.9"))
	clients := uint64(0)
	for range 5 {
		g := s.guest("127.0.0.3", nil)
		g.waitUp()
		// Nobody waits for these: they arrive while the session ends.
		for i := range uint32(300) {
			g.dev.put(packet(g.network.Local, serverIP, i, 100))
			s.dev.put(packet(serverIP, g.network.Local, i, 100))
		}
		_, err := stranger.WriteBatch(strays(20))
		require.NoError(t, err)
		g.quit()
		s.empty()
		clients += booked(g.client.Snapshot())
	}
	require.Eventually(t, func() bool { return booked(s.server.Snapshot()) == toServer.Load() }, patience, time.Millisecond)
	require.LessOrEqual(t, clients, toClient.Load())
	require.GreaterOrEqual(t, s.server.Snapshot().Refused["gre_no_session"], uint64(100))
	require.EqualValues(t, 5, s.server.Snapshot().Totals.Sessions)
	s.close()
}

// strays are packets of calls that there are not.
func strays(n int) (pkts []gre.Packet) {
	for range n {
		pkts = append(pkts, gre.Packet{Addr: serverOuter, Data: gre.AckOnly(0, 1).AppendTo(nil)})
	}
	return pkts
}
