package session

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// ip6 is an IPv6 header, with the given next header, before a payload.
func ip6(from, to netip.Addr, next byte, payload ...[]byte) []byte {
	body := slices.Concat(payload...)
	p := make([]byte, 40, 40+len(body))
	p[0], p[5], p[6], p[7] = 0x60, byte(len(body)), next, 255
	copy(p[8:], from.AsSlice())
	copy(p[24:], to.AsSlice())
	return append(p, body...)
}

// extension is an extension header of 8 bytes and as many more times 8.
func extension(next, more byte) []byte {
	return append([]byte{next, more}, make([]byte, 6+8*int(more))...)
}

func TestRouterMessages(t *testing.T) {
	from, to := netip.MustParseAddr("fe80::2"), netip.MustParseAddr("ff02::1")
	advertisement, redirect := append([]byte{134}, make([]byte, 15)...), append([]byte{137}, make([]byte, 39)...)
	echo, solicitation := append([]byte{128}, make([]byte, 7)...), append([]byte{135}, make([]byte, 23)...)
	later := append([]byte{ippkt.ICMPv6, 0, 0, 8}, make([]byte, 4)...)
	for name, c := range map[string]struct {
		packet []byte
		is     bool
	}{
		"an advertisement":             {ip6(from, to, ippkt.ICMPv6, advertisement), true},
		"a redirect":                   {ip6(from, to, ippkt.ICMPv6, redirect), true},
		"an echo":                      {ip6(from, to, ippkt.ICMPv6, echo), false},
		"a neighbour solicitation":     {ip6(from, to, ippkt.ICMPv6, solicitation), false},
		"TCP":                          {ip6(from, to, 6, advertisement), false},
		"nothing":                      {ip6(from, to, ippkt.ICMPv6), false},
		"behind hop-by-hop options":    {ip6(from, to, 0, extension(ippkt.ICMPv6, 0), advertisement), true},
		"behind long options":          {ip6(from, to, 60, extension(ippkt.ICMPv6, 3), advertisement), true},
		"behind several headers":       {ip6(from, to, 0, extension(43, 0), extension(60, 1), extension(ippkt.ICMPv6, 0), redirect), true},
		"behind AH":                    {ip6(from, to, 51, append([]byte{ippkt.ICMPv6, 4}, make([]byte, 22)...), advertisement), true},
		"in a first fragment":          {ip6(from, to, 44, extension(ippkt.ICMPv6, 0), advertisement), true},
		"in a later fragment":          {ip6(from, to, 44, later, advertisement), false},
		"an echo behind options":       {ip6(from, to, 0, extension(ippkt.ICMPv6, 0), echo), false},
		"options without an end":       {ip6(from, to, 0, []byte{ippkt.ICMPv6, 200, 0, 0, 0, 0, 0, 0}, advertisement), false},
		"options of less than a word":  {ip6(from, to, 0, []byte{ippkt.ICMPv6, 0, 0}), false},
		"a header that nobody defined": {ip6(from, to, 253, advertisement), false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.is, isRouterMessage(c.packet)) })
	}
}

func FuzzRouterMessage(f *testing.F) {
	from, to := netip.MustParseAddr("fe80::2"), netip.MustParseAddr("ff02::1")
	f.Add(ip6(from, to, 0, extension(60, 1), extension(ippkt.ICMPv6, 0), []byte{134}))
	f.Add(ip6(from, to, 44, extension(51, 0), extension(ippkt.ICMPv6, 2)))
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) < 40 {
			return
		}
		before := bytes.Clone(p)
		if isRouterMessage(p) {
			require.True(t, bytes.IndexByte(p[40:], icmpRouterAdvertisement) >= 0 || bytes.IndexByte(p[40:], icmpRedirect) >= 0)
		}
		require.Equal(t, before, p)
	})
}

// TestPeerGivesNoRoutes: a message that would make the peer a router of this machine does not reach
// it; all else of ICMPv6 does.
func TestPeerGivesNoRoutes(t *testing.T) {
	ours, theirs := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::2")
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	p := newPair(t, backend, 1, 0)
	for _, s := range []*Session{p.a, p.b} {
		s.cfg.IPv6 = true
		d := ppp.Direction{Key: []byte("0123456789abcdef"), Strength: 128, Stateless: true}
		require.NoError(t, s.encrypt(ppp.EncryptionUp{Send: d, Recv: d}))
		s.openNetwork(ppp.NetworkUp{LocalIPv6: ours, RemoteIPv6: theirs, SendMRU: defaultMTU + MPPEOverhead})
	}
	send := func(packet []byte) {
		copy(p.bufs[0][headroom:], packet)
		p.wire.n = 0
		sendAll(p.a, p.bufs, []int{len(packet)})
		p.pkts[0].Addr, p.pkts[0].Data = serverOuter, p.wire.sent[0]
		p.b.receive(time.Unix(1000, 0), p.pkts, p.w)
	}
	send(ip6(theirs, netip.MustParseAddr("ff02::1"), ippkt.ICMPv6, append([]byte{134}, make([]byte, 15)...)))
	send(ip6(theirs, ours, 0, extension(ippkt.ICMPv6, 0), append([]byte{137}, make([]byte, 39)...)))
	require.Zero(t, p.dev.packets)
	require.EqualValues(t, 2, p.b.in.stats.RouterMessages)
	send(ip6(theirs, ours, ippkt.ICMPv6, append([]byte{128}, make([]byte, 7)...)))
	require.Equal(t, 1, p.dev.packets)
}
