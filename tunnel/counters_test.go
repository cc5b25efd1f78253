package tunnel

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// ending are the counters in one of which every GRE packet from the peer ends, besides those of the
// window and of what was delivered.
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

// TestBooksBalance: not one packet goes uncounted, though clients come and go while data is under
// way both ways, and though strangers send.
func TestBooksBalance(t *testing.T) {
	s := newSite(t, nil)
	var toServer, toClient atomic.Uint64
	s.net.passing(func(_, to netip.Addr, _ []byte) bool {
		if to == serverOuter {
			toServer.Add(1)
		} else {
			toClient.Add(1)
		}
		return true
	})
	stranger := s.listen("127.0.0.9")
	clients := uint64(0)
	for range 5 {
		g := s.guest("127.0.0.3", nil)
		g.waitUp()
		// Nobody waits for these: they arrive while the session ends.
		for i := range uint32(300) {
			g.dev.Put(packet(g.network.Local, serverIP, i, 100))
			s.dev.Put(packet(serverIP, g.network.Local, i, 100))
		}
		_, err := stranger.WriteBatch(strays(20))
		require.NoError(t, err)
		g.quit()
		s.empty()
		clients += booked(g.client.Snapshot())
	}
	require.Eventually(t, func() bool { return booked(s.server.Snapshot()) == toServer.Load() }, timeout, time.Millisecond)
	require.LessOrEqual(t, clients, toClient.Load())
	require.GreaterOrEqual(t, s.server.Snapshot().Refused["gre_no_session"], uint64(100))
	require.EqualValues(t, 5, s.server.Snapshot().Totals.Sessions)
	s.close()
}

// TestBooksOfWhatIsHeld: packets that still wait for others when their session ends are accounted
// for too.
func TestBooksOfWhatIsHeld(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.Reorder = reorder.Config{Timeout: time.Hour} })
	var toServer, data atomic.Uint64
	s.net.passing(func(_, to netip.Addr, p []byte) bool {
		if to != serverOuter {
			return true
		}
		if len(p) > 100 && data.Add(1) == 2 {
			return false // the others wait for this one
		}
		toServer.Add(1)
		return true
	})
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	for i := range uint32(10) {
		g.dev.Put(packet(g.network.Local, serverIP, i, 200))
	}
	s.eventually(func() bool { return s.alone().Counters["window_held_packets"] == 8 }, "packets wait in the window")
	g.quit()
	s.empty()
	require.Equal(t, toServer.Load(), booked(s.server.Snapshot()))
	s.close()
}

// TestBooksOfEmptyPackets: a sequence number with nothing behind it is accounted for too, with its
// acknowledgment or without.
func TestBooksOfEmptyPackets(t *testing.T) {
	s := newSite(t, nil)
	var toServer atomic.Uint64
	s.net.passing(func(_, to netip.Addr, _ []byte) bool {
		if to == serverOuter {
			toServer.Add(1)
		}
		return true
	})
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	id := uint16(s.alone().Counters["call_id"])
	acks := s.alone().AcksIn
	for _, h := range []gre.Header{{CallID: id}, {CallID: id, HasSeq: true, Seq: 7}, {CallID: id, HasSeq: true, Seq: 7, HasAck: true, Ack: 1}} {
		toServer.Add(1)
		s.net.Arrive(netip.MustParseAddr("127.0.0.3"), serverOuter, h.AppendTo(nil))
	}
	s.eventually(func() bool { return s.alone().Counters["in_malformed"] == 2 && s.alone().AcksIn > acks }, "they are counted")
	g.exchange(20)
	g.quit()
	s.empty()
	require.Eventually(t, func() bool { return booked(s.server.Snapshot()) == toServer.Load() }, timeout, time.Millisecond)
	s.close()
}

// TestBooksOfTheDevice: packets of this machine for no session are accounted for.
func TestBooksOfTheDevice(t *testing.T) {
	s := newSite(t, nil)
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	for i := range uint32(10) {
		s.dev.Put(packet(serverIP, netip.MustParseAddr("10.99.0.77"), i, 100))
	}
	s.eventually(func() bool { return s.server.Snapshot().Refused["ip_no_session"] == 10 }, "they are counted")
	g.quit()
	s.empty()
	for i := range uint32(10) {
		g.dev.Put(packet(g.network.Local, serverIP, i, 100))
	}
	s.eventually(func() bool { return g.client.Snapshot().Refused["ip_no_session"] == 10 }, "those of a client without a session too")
	s.close()
}

// strays are packets of calls that there are not.
func strays(n int) (pkts []gre.Packet) {
	for range n {
		pkts = append(pkts, gre.Packet{Addr: serverOuter, Data: gre.AckOnly(0, 1).AppendTo(nil)})
	}
	return pkts
}
