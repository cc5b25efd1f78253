package tunnel

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// outer is an IP packet as a tunnel's own are: a protocol, and the two ports if it has any.
func outer(from, to string, protocol byte, fromPort, toPort uint16) []byte {
	p := packet(netip.MustParseAddr(from), netip.MustParseAddr(to), 0, 60)
	p[9] = protocol
	binary.BigEndian.PutUint16(p[20:], fromPort)
	binary.BigEndian.PutUint16(p[22:], toPort)
	return p
}

func with(p []byte, change func([]byte)) []byte {
	change(p)
	return p
}

func TestClientLoop(t *testing.T) {
	var c clientLoop
	gre := outer("192.0.2.2", "203.0.113.1", ippkt.GRE, 0, 0)
	require.False(t, c.Loops(gre), "no server is known")
	c.set(netip.MustParseAddrPort("[::ffff:203.0.113.1]:1723"))
	withOptions := make([]byte, 64)
	copy(withOptions, outer("192.0.2.2", "203.0.113.1", ippkt.TCP, 0, 0))
	withOptions[0] = 0x46
	binary.BigEndian.PutUint16(withOptions[26:], 1723)
	for name, tc := range map[string]struct {
		ip   []byte
		want bool
	}{
		"GRE to the server":               {gre, true},
		"a later fragment of it":          {with(outer("192.0.2.2", "203.0.113.1", ippkt.GRE, 0, 0), func(p []byte) { p[7] = 9 }), true},
		"its control connection":          {outer("192.0.2.2", "203.0.113.1", ippkt.TCP, 40000, 1723), true},
		"the same, with an IP option":     {withOptions, true},
		"another TCP connection to it":    {outer("192.0.2.2", "203.0.113.1", ippkt.TCP, 1723, 22), false},
		"a later fragment of TCP":         {with(outer("192.0.2.2", "203.0.113.1", ippkt.TCP, 0, 1723), func(p []byte) { p[7] = 9 }), false},
		"UDP to it":                       {outer("192.0.2.2", "203.0.113.1", 17, 0, 1723), false},
		"GRE to somebody else":            {outer("192.0.2.2", "203.0.113.2", ippkt.GRE, 0, 0), false},
		"GRE from the server":             {outer("203.0.113.1", "192.0.2.2", ippkt.GRE, 0, 0), false},
		"a header that is cut off":        {gre[:19], false},
		"TCP that is cut off":             {outer("192.0.2.2", "203.0.113.1", ippkt.TCP, 0, 1723)[:23], false},
		"a header shorter than there are": {with(outer("192.0.2.2", "203.0.113.1", ippkt.TCP, 0, 1723), func(p []byte) { p[0] = 0x41 }), false},
		"IPv6":                            {with(outer("192.0.2.2", "203.0.113.1", ippkt.GRE, 0, 0), func(p []byte) { p[0] = 0x60 }), false},
		"nothing":                         {nil, false},
	} {
		assert.Equal(t, tc.want, c.Loops(tc.ip), name)
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { c.Loops(gre) }))
}

func TestServerLoop(t *testing.T) {
	s := serverLoop{ports: []uint16{1723}}
	local, peer := netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("192.0.2.2")
	remove := s.add(local, peer)
	again := s.add(local, peer)
	gre := outer("203.0.113.1", "192.0.2.2", ippkt.GRE, 0, 0)
	for name, tc := range map[string]struct {
		ip   []byte
		want bool
	}{
		"GRE to a client":                       {gre, true},
		"its control connection":                {outer("203.0.113.1", "192.0.2.2", ippkt.TCP, 1723, 40000), true},
		"another TCP connection":                {outer("203.0.113.1", "192.0.2.2", ippkt.TCP, 22, 1723), false},
		"a tunnel of somebody else's, in ours":  {outer("198.51.100.7", "192.0.2.2", ippkt.GRE, 0, 0), false},
		"a tunnel of ours to somebody unknown":  {outer("203.0.113.1", "192.0.2.3", ippkt.GRE, 0, 0), false},
		"UDP":                                   {outer("203.0.113.1", "192.0.2.2", 17, 1723, 1723), false},
		"IPv6":                                  {with(outer("203.0.113.1", "192.0.2.2", ippkt.GRE, 0, 0), func(p []byte) { p[0] = 0x60 }), false},
		"a header that is cut off":              {gre[:19], false},
		"a control connection that is cut off":  {outer("203.0.113.1", "192.0.2.2", ippkt.TCP, 1723, 0)[:22], false},
		"a client's packet in its own tunnel":   {outer("192.0.2.2", "203.0.113.1", ippkt.GRE, 0, 0), false},
		"a later fragment of something in TCP":  {with(outer("203.0.113.1", "192.0.2.2", ippkt.TCP, 1723, 0), func(p []byte) { p[7] = 9 }), false},
		"a later fragment of GRE to the client": {with(outer("203.0.113.1", "192.0.2.2", ippkt.GRE, 0, 0), func(p []byte) { p[7] = 9 }), true},
	} {
		assert.Equal(t, tc.want, s.Loops(tc.ip), name)
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { s.Loops(gre) }))
	remove()
	assert.True(t, s.Loops(gre), "one connection is left")
	again()
	assert.False(t, s.Loops(gre))
	assert.Empty(t, s.calls)
}

// TestBooksOfLoops: what carries a tunnel and comes out of its device goes no further, at both
// ends, with a session or without, and is in one book only.
func TestBooksOfLoops(t *testing.T) {
	s := newSite(t, nil)
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	loop := outer("127.0.0.3", serverOuter.String(), ippkt.GRE, 0, 0)
	back := outer(serverOuter.String(), "127.0.0.3", ippkt.GRE, 0, 0)
	session := func(end interface{ Snapshot() status.Snapshot }) uint64 { return end.Snapshot().Totals.PacketsOut }
	for range 7 {
		g.dev.Put(loop)
		s.dev.Put(back)
	}
	s.eventually(func() bool { return g.client.Snapshot().Refused["ip_loop"] == 7 }, "they are counted at the client")
	s.eventually(func() bool { return s.server.Snapshot().Refused["ip_loop"] == 7 }, "they are counted at the server")
	require.Zero(t, session(g.client))
	require.Zero(t, session(s.server))
	g.exchange(20)
	g.quit()
	s.empty()
	g.dev.Put(loop)
	g.dev.Put(packet(g.network.Local, serverIP, 1, 100))
	s.eventually(func() bool { return g.client.Snapshot().Refused["ip_no_session"] == 1 }, "what is no loop is for no session")
	require.EqualValues(t, 8, g.client.Snapshot().Refused["ip_loop"])
	s.close()
}
