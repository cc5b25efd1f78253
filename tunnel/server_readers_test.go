package tunnel

import (
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/pool"
)

// TestShardedServer: with several readers every session keeps its order, no packet is counted twice
// or not at all, and strangers' are counted once.
func TestShardedServer(t *testing.T) {
	const readers, clients, each = 3, 12, 200
	addresses, err := pool.Parse("10.99.0.100-10.99.0.120")
	require.NoError(t, err)
	s := newSite(t, func(c *ServerConfig) { c.Pool = addresses })
	s.pool = addresses
	s.close()
	s.cfg.ListenGRE = func(local netip.Addr) (gre.Conn, error) { return s.net.ListenShared(local, readers) }
	s.open()
	var toServer atomic.Uint64
	s.net.passing(func(_, to netip.Addr, _ []byte) bool {
		if to == serverOuter {
			toServer.Add(1)
		}
		return true
	})
	var guests []*guest
	for i := range clients {
		g := s.guest(fmt.Sprintf("127.0.0.%d", 10+i), nil)
		g.waitUp()
		guests = append(guests, g)
	}
	stranger := s.listen("127.0.0.9")
	for id := range uint16(3 * readers) {
		// Nobody has been given a call by this peer, so every ID is a stranger's.
		_, err := stranger.WriteBatch([]gre.Packet{{Addr: serverOuter, Data: gre.AckOnly(id, 1).AppendTo(nil)}})
		require.NoError(t, err)
	}
	for i := range uint32(each) {
		for _, g := range guests {
			g.dev.Put(packet(g.network.Local, serverIP, i, 0))
			s.dev.Put(packet(serverIP, g.network.Local, i, 0))
		}
	}
	next := map[netip.Addr]uint32{}
	for range clients * each {
		p := arrived(t, s.dev)
		from := netip.AddrFrom4([4]byte(p[12:16]))
		require.Equal(t, packet(from, serverIP, next[from], 0), p)
		next[from]++
	}
	require.Len(t, next, clients)
	for _, g := range guests {
		for i := range uint32(each) {
			require.Equal(t, packet(serverIP, g.network.Local, i, 0), arrived(t, g.dev))
		}
	}
	s.refused("gre_no_session", 3*readers)
	require.Eventually(t, func() bool { return booked(s.server.Snapshot()) == toServer.Load() }, timeout, time.Millisecond)
	for _, g := range guests {
		g.quit()
	}
	s.empty()
	s.close()
}

func TestServerRefusesReaders(t *testing.T) {
	for n, want := range map[int]string{
		-1:                 "tunnel: -1 readers: must be 1 to 16",
		gre.MaxReaders + 1: "tunnel: 17 readers: must be 1 to 16",
	} {
		_, err := NewServer(ServerConfig{
			Listeners: []net.Listener{&net.TCPListener{}}, Device: newMemDevice(), Pool: new(pool.Pool), LocalIP: serverIP, Readers: n,
			Lookup: func(string) (a Account, ok bool) { return a, false },
		})
		assert.EqualError(t, err, want)
	}
}
