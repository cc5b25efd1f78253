package session

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestProtocolThatWasNotNegotiated: a client that opens only one of the two network protocols, or
// gives no IPv6 address of its own, must not send under any address it likes by the other.
func TestProtocolThatWasNotNegotiated(t *testing.T) {
	ours, theirs := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::2")
	v4 := ppp.NetworkUp{Local: serverIP, Remote: clientIP}
	v6 := ppp.NetworkUp{LocalIPv6: ours, RemoteIPv6: theirs}
	unnamed := ppp.NetworkUp{Local: serverIP, Remote: clientIP, LocalIPv6: ours}
	for name, c := range map[string]struct {
		up     ppp.NetworkUp
		packet []byte
		enters bool
	}{
		"IPv4 over IPv4":                  {v4, packet(clientIP, serverIP, 1, 0), true},
		"IPv6 over IPv6":                  {v6, packet6(theirs, ours, 1, 0), true},
		"IPv4 over IPv6 alone":            {v6, packet(clientIP, serverIP, 1, 0), false},
		"IPv6 over IPv4 alone":            {v4, packet6(theirs, ours, 1, 0), false},
		"IPv6 of nobody's address":        {unnamed, packet6(theirs, ours, 1, 0), false},
		"IPv6 from the address of nobody": {unnamed, packet6(netip.IPv6Unspecified(), ours, 1, 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			backend, err := arc4.Lookup("")
			require.NoError(t, err)
			p := newPair(t, backend, 1, 0)
			for _, s := range []*Session{p.a, p.b} {
				s.cfg.IPv6, s.cfg.CheckSource = true, s == p.b
				d := ppp.Direction{Key: []byte("0123456789abcdef"), Strength: 128, Stateless: true}
				require.NoError(t, s.encrypt(ppp.EncryptionUp{Send: d, Recv: d}))
				up := ppp.NetworkUp{Local: clientIP, Remote: serverIP, LocalIPv6: theirs, RemoteIPv6: ours}
				if s == p.b {
					up = c.up
				}
				up.SendMRU = defaultMTU + MPPEOverhead
				s.openNetwork(up)
			}
			copy(p.bufs[0][headroom:], c.packet)
			p.wire.n = 0
			sendAll(p.a, p.bufs, []int{len(c.packet)})
			require.Equal(t, 1, p.wire.n)
			p.pkts[0].Addr, p.pkts[0].Data = serverOuter, p.wire.sent[0]
			p.b.receive(time.Unix(1000, 0), p.pkts, p.w)
			assert.Equal(t, c.enters, p.dev.packets == 1, "%+v", p.b.in.stats)

			// And nothing goes out by a protocol that is not open.
			copy(p.bufs[0][headroom:], c.packet)
			p.wire.n = 0
			sendAll(p.b, p.bufs, []int{len(c.packet)})
			open := c.up.Local.IsValid() && c.packet[0]>>4 == 4 || c.up.LocalIPv6.IsValid() && c.packet[0]>>4 == 6
			assert.Equal(t, open, p.wire.n == 1)
		})
	}
}
