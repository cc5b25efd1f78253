package tunnel

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// askingPacket is a packet of a protocol between two addresses, as long as wanted.
func askingPacket(protocol byte, from, to string, size int) []byte {
	p := make([]byte, size)
	f, t := netip.MustParseAddr(from), netip.MustParseAddr(to)
	if f.Is6() {
		p[0], p[6] = 0x60, protocol
		copy(p[8:], f.AsSlice())
		copy(p[24:], t.AsSlice())
		return p
	}
	p[0], p[9] = 0x45, protocol
	copy(p[12:], f.AsSlice())
	copy(p[16:], t.AsSlice())
	return p
}

func newTestDemand(ipv6 bool) *demand {
	d := &demand{ipv6: ipv6, woken: make(chan struct{}, 1)}
	d.from(netip.MustParseAddr("192.0.0.8"))
	return d
}

// TestWhichPacketsAskForTheTunnel has those that machines send all day.
func TestWhichPacketsAskForTheTunnel(t *testing.T) {
	for _, c := range []struct {
		name  string
		ip    []byte
		v4    string // what it says in a tunnel without IPv6; empty: it asks for nothing
		v4and string // with
	}{
		{"TCP", askingPacket(6, "192.0.0.8", "10.1.2.3", 40), "TCP from 192.0.0.8 to 10.1.2.3", "TCP from 192.0.0.8 to 10.1.2.3"},
		{"of another machine", askingPacket(17, "192.168.1.7", "10.1.2.3", 40), "UDP from 192.168.1.7 to 10.1.2.3", "UDP from 192.168.1.7 to 10.1.2.3"},
		{"a protocol without a name", askingPacket(50, "192.0.0.8", "10.1.2.3", 40), "protocol 50 from 192.0.0.8 to 10.1.2.3", "protocol 50 from 192.0.0.8 to 10.1.2.3"},
		{"mDNS", askingPacket(17, "192.0.0.8", "224.0.0.251", 40), "", ""},
		{"a broadcast", askingPacket(17, "192.0.0.8", "255.255.255.255", 40), "", ""},
		{"to nobody", askingPacket(17, "192.0.0.8", "0.0.0.0", 40), "", ""},
		{"IPv6", askingPacket(58, "fe80::8", "2001:db8::1", 60), "", "ICMPv6 from fe80::8 to 2001:db8::1"},
		{"a router solicitation", askingPacket(58, "fe80::8", "ff02::2", 60), "", ""},
		{"too short", []byte{0x45, 0, 0}, "", ""},
		{"nothing", nil, "", ""},
		{"no IP", make([]byte, 60), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for ipv6, want := range map[bool]string{false: c.v4, true: c.v4and} {
				d := newTestDemand(ipv6)
				d.keep()
				assert.Equal(t, want != "", d.take(c.ip))
				assert.Equal(t, want, d.asked())
				assert.Equal(t, want != "", len(d.woken) == 1)
				assert.Zero(t, d.dropped.Load())
			}
		})
	}
}

// TestKeptPackets: what is kept is bounded, sent in its order, and only from an address that the
// device still has.
func TestKeptPackets(t *testing.T) {
	d := newTestDemand(false)
	old := askingPacket(6, "192.0.0.8", "10.1.2.3", 40)
	other := askingPacket(6, "192.168.1.7", "10.1.2.3", 41)
	require.False(t, d.take(old), "nobody waits")
	d.keep()
	require.True(t, d.take(old))
	require.True(t, d.take(other))
	old[0] = 0 // the caller's again
	local := netip.MustParseAddr("10.99.0.100")
	assert.Equal(t, [][]byte{other}, d.opened(local, netip.Addr{}), "another machine's has not lost its address")
	assert.Equal(t, uint64(1), d.dropped.Load())
	assert.Empty(t, d.asked())
	assert.False(t, d.take(other), "the tunnel is up")

	d.keep() // it is down, with the address it had
	own := askingPacket(6, "10.99.0.100", "10.1.2.3", 42)
	d.from(local)
	require.True(t, d.take(own))
	assert.Equal(t, [][]byte{own}, d.opened(local, netip.Addr{}))
	d.keep()
	require.True(t, d.take(own))
	assert.Empty(t, d.opened(netip.MustParseAddr("10.99.0.101"), netip.Addr{}), "the server gives another")
	assert.Equal(t, uint64(2), d.dropped.Load())

	d.keep()
	for range maxKept + 3 {
		require.True(t, d.take(other))
	}
	assert.Equal(t, uint64(5), d.dropped.Load())
	assert.Len(t, d.opened(local, netip.Addr{}), maxKept)
	d.keep()
	large := askingPacket(6, "192.168.1.7", "10.1.2.3", 30000)
	for range 3 {
		d.take(large)
	}
	assert.Equal(t, uint64(6), d.dropped.Load())
	d.rest()
	assert.Equal(t, uint64(8), d.dropped.Load())
	assert.False(t, d.take(large), "nothing is done for it")
	assert.Empty(t, d.opened(local, netip.Addr{}))
}
