package netdev

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// with changes bytes of a packet.
func with(p []byte, at int, b ...byte) []byte {
	p = bytes.Clone(p)
	copy(p[at:], b)
	return p
}

// large6 is an IPv6 packet with these headers and 1400 bytes after them.
func large6(next byte, rest ...byte) []byte {
	p := make([]byte, 40+len(rest)+1400)
	p[0], p[6], p[7] = 0x60, next, 64
	binary.BigEndian.PutUint16(p[4:], uint16(len(rest)+1400))
	p[8], p[23], p[24], p[39] = 0xfe, 1, 0xfe, 2
	p[9], p[25] = 0x80, 0x80
	copy(p[40:], rest)
	return p
}

func TestTooBig(t *testing.T) {
	udp := datagram(nil, ippkt.DontFragment, 1280)
	icmp := with(udp, 9, ippkt.ICMP)
	for _, tc := range []struct {
		name     string
		packet   []byte
		answered bool
	}{
		{"UDP", udp, true},
		{"the first fragment", with(udp, 6, 0x60), true},
		{"a later fragment", with(udp, 6, 0x40, 1), false},
		{"a ping", with(icmp, 20, 8), true},
		{"a ping's answer", with(icmp, 20, 0), true},
		{"destination unreachable", with(icmp, 20, 3), false},
		{"time exceeded", with(icmp, 20, 11), false},
		{"a parameter problem", with(icmp, 20, 12), false},
		{"a redirect", with(icmp, 20, 5), false},
		{"ICMP of a kind nobody knows", with(icmp, 20, 200), false},
		{"ICMP without a type", with(icmp[:20], 2, 0, 20), false},
		{"from a multicast address", with(udp, 12, 224, 0, 0, 1), false},
		{"from the broadcast address", with(udp, 12, 255, 255, 255, 255), false},
		{"from no address", with(udp, 12, 0, 0, 0, 0), false},
		{"from a loopback address", with(udp, 12, 127, 0, 0, 1), false},
		{"to many", with(udp, 16, 224, 0, 0, 1), false},
		{"to all", with(udp, 16, 255, 255, 255, 255), false},
		{"a header cut off", udp[:19], false},
		{"data cut off", udp[:1000], false},
		{"nothing", nil, false},
		{"neither IPv4 nor IPv6", with(udp, 0, 0x75), false},

		{"IPv6: UDP", large6(17), true},
		{"IPv6: a ping", large6(ippkt.ICMPv6, 128), true},
		{"IPv6: packet too big", large6(ippkt.ICMPv6, 2), false},
		{"IPv6: a redirect", large6(ippkt.ICMPv6, 137), false},
		{"IPv6: an error behind headers", large6(0, 60, 0, 0, 0, 0, 0, 0, 0, ippkt.ICMPv6, 0, 0, 0, 0, 0, 0, 0, 1), false},
		{"IPv6: a ping behind headers", large6(0, 60, 0, 0, 0, 0, 0, 0, 0, ippkt.ICMPv6, 0, 0, 0, 0, 0, 0, 0, 128), true},
		{"IPv6: the first fragment of UDP", large6(44, 17, 0, 0, 1, 0, 0, 0, 1), true},
		{"IPv6: a later fragment of UDP", large6(44, 17, 0, 0, 9, 0, 0, 0, 1), true},
		{"IPv6: a later fragment of ICMPv6", large6(44, ippkt.ICMPv6, 0, 0, 9, 0, 0, 0, 1, 128), false},
		{"IPv6: from many", with(large6(17), 8, 0xff, 2), false},
		{"IPv6: to many", with(large6(17), 24, 0xff, 2), false},
		{"IPv6: from nobody", with(large6(17), 8, make([]byte, 16)...), false},
		{"IPv6: data cut off", large6(17)[:1000], false},
		{"IPv6: a header cut off", large6(17)[:39], false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before, dst := bytes.Clone(tc.packet), bytes.Repeat([]byte{0xAA}, maxTooBig)
			n := TooBig(dst, tc.packet, 996)
			assert.Equal(t, before, tc.packet)
			require.Equal(t, tc.answered, n > 0)
			if n > 0 {
				requireTooBig(t, tc.packet, dst[:n], 996)
			}
		})
	}
}

// requireTooBig holds a message to the packet that it answers.
func requireTooBig(t *testing.T, packet, message []byte, mtu int) {
	t.Helper()
	if packet[0]>>4 == 4 {
		packet = packet[:binary.BigEndian.Uint16(packet[2:])] // what follows is the link's padding
		require.LessOrEqual(t, len(message), 576)
		require.Equal(t, uint16(0xFFFF), ippkt.Fold(ippkt.Sum(0, message[:20])))
		require.Equal(t, uint16(0xFFFF), ippkt.Fold(ippkt.Sum(0, message[20:])))
		require.Equal(t, len(message), int(binary.BigEndian.Uint16(message[2:])))
		require.Equal(t, packet[12:16], message[16:20], "to whom it goes")
		require.Equal(t, packet[16:20], message[12:16], "from whom it comes")
		require.Equal(t, []byte{3, 4}, message[20:22])
		require.Equal(t, mtu, int(binary.BigEndian.Uint16(message[26:])))
		require.True(t, bytes.HasPrefix(packet, message[28:]))
		require.GreaterOrEqual(t, len(message[28:]), min(len(packet), 20+8))
		return
	}
	packet = packet[:40+int(binary.BigEndian.Uint16(packet[4:]))]
	require.LessOrEqual(t, len(message), 1280)
	require.Equal(t, len(message)-40, int(binary.BigEndian.Uint16(message[4:])))
	require.Equal(t, packet[8:24], message[24:40], "to whom it goes")
	require.Equal(t, packet[24:40], message[8:24], "from whom it comes")
	require.Equal(t, []byte{2, 0}, message[40:42])
	require.Equal(t, mtu, int(binary.BigEndian.Uint32(message[44:])))
	require.Equal(t, uint16(0xFFFF), ippkt.Fold(ippkt.Sum(uint32(len(message)-40)+58, message[8:])))
	require.True(t, bytes.HasPrefix(packet, message[48:]))
}

func TestTooBigQuotesAsMuchAsMayBe(t *testing.T) {
	dst := make([]byte, maxTooBig)
	assert.Equal(t, 576, TooBig(dst, datagram(nil, ippkt.DontFragment, 1280), 996))
	assert.Equal(t, 1280, TooBig(dst, large6(17), 996))
	assert.Equal(t, 20+8+20+100, TooBig(dst, datagram(nil, ippkt.DontFragment, 100), 68))
	assert.Equal(t, netip.MustParseAddr("192.0.2.9"), netip.AddrFrom4([4]byte(dst[16:20])))
}

func TestTooBigDoesNotAllocate(t *testing.T) {
	p, dst := datagram(nil, ippkt.DontFragment, 1380), make([]byte, maxTooBig)
	assert.Zero(t, testing.AllocsPerRun(100, func() { TooBig(dst, p, 996) }))
}

func FuzzTooBig(f *testing.F) {
	f.Add(datagram(nil, ippkt.DontFragment, 1280), 996)
	f.Add(with(datagram(nil, 0, 50), 9, 1), 68)
	f.Add(large6(0, 44, 0, 0, 0, 0, 0, 0, 0, 58, 0, 0, 0, 0, 0, 0, 0), 1280)
	f.Add(large6(51, 58, 4), 1280)
	f.Add(append(datagram(nil, 0, 6), 0), 68)
	f.Fuzz(func(t *testing.T, p []byte, mtu int) {
		mtu = min(max(mtu, 68), 65535)
		before, dst := bytes.Clone(p), make([]byte, maxTooBig)
		n := TooBig(dst, p, mtu)
		require.Equal(t, before, p)
		if n > 0 {
			requireTooBig(t, p, dst[:n], mtu)
			// The answer to an answer is none.
			require.Zero(t, TooBig(make([]byte, maxTooBig), dst[:n], 68))
		}
	})
}
