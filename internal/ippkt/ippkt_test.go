package ippkt

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// ipv4 is an echo reply with a right checksum.
func ipv4() IPv4 {
	p := IPv4{0x45, 0, 0, 28, 0x12, 0x34, 0x40, 0, 64, ICMP, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0}
	p.PutChecksum()
	return p
}

// ipv6 is a packet whose extension headers and body are given.
func ipv6(next byte, body ...byte) IPv6 {
	p := make(IPv6, IPv6Len, IPv6Len+len(body))
	p[0], p[5], p[6], p[7] = 6<<4, byte(len(body)), next, 64
	p[8], p[23], p[24], p[39] = 0xFE, 1, 0xFE, 2
	return append(p, body...)
}

func TestVersion(t *testing.T) {
	four, six := ipv4(), ipv6(59)
	for name, c := range map[string]struct {
		p    []byte
		want int
	}{
		"IPv4":                     {four, 4},
		"IPv4, the header alone":   {four[:20], 4},
		"IPv4, a byte too few":     {four[:19], 0},
		"IPv6":                     {six, 6},
		"IPv6, a byte too few":     {six[:39], 0},
		"IPv6, as long as IPv4 is": {six[:20], 0},
		"neither":                  {append([]byte{0x55}, six[1:]...), 0},
		"nothing":                  {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, Version(c.p))
			assert.Equal(t, c.want != 0, Source(c.p).IsValid())
			assert.Equal(t, c.want != 0, Destination(c.p).IsValid())
		})
	}
	assert.Equal(t, netip.MustParseAddr("192.0.2.1"), Source(four))
	assert.Equal(t, netip.MustParseAddr("198.51.100.7"), Destination(four))
	assert.Equal(t, netip.MustParseAddr("fe00::1"), Source(six))
	assert.Equal(t, netip.MustParseAddr("fe00::2"), Destination(six))
}

// TestIPv4Header has another implementation read a header, put where something stood before.
func TestIPv4Header(t *testing.T) {
	p := bytes.Repeat([]byte{0xFF}, IPv4Len+8)
	IPv4Header{
		From: netip.MustParseAddr("192.0.2.1"), To: netip.MustParseAddr("198.51.100.7"),
		Protocol: UDP, ID: 0x1234, Fragment: MoreFragments | 3,
	}.Put(p, 8)
	h := header.IPv4(p)
	require.True(t, h.IsValid(len(p)))
	assert.True(t, h.IsChecksumValid())
	assert.Equal(t, header.IPv4Fields{
		TotalLength: uint16(len(p)), ID: 0x1234, Flags: header.IPv4FlagMoreFragments, FragmentOffset: 24, TTL: 64, Protocol: UDP,
		Checksum: h.Checksum(), SrcAddr: h.SourceAddress(), DstAddr: h.DestinationAddress(),
	}, header.IPv4Fields{
		TOS: p[1], TotalLength: h.TotalLength(), ID: h.ID(), Flags: h.Flags(), FragmentOffset: h.FragmentOffset(), TTL: h.TTL(),
		Protocol: h.Protocol(), Checksum: h.Checksum(), SrcAddr: h.SourceAddress(), DstAddr: h.DestinationAddress(),
	})
	assert.Equal(t, "192.0.2.1", h.SourceAddress().String())
	assert.Equal(t, "198.51.100.7", h.DestinationAddress().String())
	assert.Equal(t, bytes.Repeat([]byte{0xFF}, 8), p[IPv4Len:], "what is carried")
}

func TestIPv4Lengths(t *testing.T) {
	for name, c := range map[string]struct {
		edit          func(IPv4) IPv4
		header, total int
		ok            bool
	}{
		"as it is":                 {func(p IPv4) IPv4 { return p }, 20, 28, true},
		"with padding":             {func(p IPv4) IPv4 { return append(p, 0, 0) }, 20, 28, true},
		"with options":             {func(p IPv4) IPv4 { p[0] = 0x47; return p }, 28, 28, true},
		"a short header":           {func(p IPv4) IPv4 { p[0] = 0x44; return p }, 16, 28, false},
		"longer than the packet":   {func(p IPv4) IPv4 { p[3] = 29; return p }, 20, 29, false},
		"shorter than its header":  {func(p IPv4) IPv4 { p[3] = 19; return p }, 20, 19, false},
		"options beyond the total": {func(p IPv4) IPv4 { p[0] = 0x48; return p }, 32, 28, false},
	} {
		t.Run(name, func(t *testing.T) {
			header, total, ok := c.edit(ipv4()).Lengths()
			assert.Equal(t, c.header, header)
			assert.Equal(t, c.total, total)
			assert.Equal(t, c.ok, ok)
		})
	}
}

func TestIPv4Fragment(t *testing.T) {
	for name, c := range map[string]struct {
		word     uint16
		fragment bool
	}{
		"whole":                  {0, false},
		"whole, and to stay so":  {DontFragment, false},
		"the first of several":   {MoreFragments, true},
		"the last":               {1, true},
		"one from the middle":    {MoreFragments | FragmentOffset, true},
		"the bit without a name": {0x8000, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := ipv4()
			p[6], p[7] = byte(c.word>>8), byte(c.word)
			assert.Equal(t, c.word, p.Fragment())
			assert.Equal(t, c.fragment, p.IsFragment())
		})
	}
}

func TestChecksum(t *testing.T) {
	// The example of RFC 1071 section 3.
	assert.Equal(t, uint16(0xddf2), Fold(Sum(0, []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7})))
	assert.Equal(t, uint16(0x0201), Fold(Sum(0, []byte{1, 1, 1})), "an odd byte is an upper half")
	p := ipv4()
	require.True(t, p.ChecksumOK())
	for i := range IPv4Len {
		for bit := range 8 {
			q := ipv4()
			if q[i] ^= 1 << bit; q.HeaderLen() >= IPv4Len && q.HeaderLen() <= len(q) {
				require.False(t, q.ChecksumOK(), "byte %d bit %d", i, bit)
			}
		}
	}
}

func TestReadExtension(t *testing.T) {
	tcp := make([]byte, 20)
	for name, c := range map[string]struct {
		header byte
		b      []byte
		later  bool
		ok     bool
	}{
		"hop by hop":           {hopByHop, append([]byte{TCP, 0, 5, 2, 0, 0, 1, 0}, tcp...), false, true},
		"routing":              {routing, append([]byte{TCP, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, tcp...), false, true},
		"destination":          {destination, append([]byte{TCP, 0, 1, 4, 0, 0, 0, 0}, tcp...), false, true},
		"authentication":       {authentication, append([]byte{TCP, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, tcp...), false, true},
		"the first fragment":   {fragment, append([]byte{TCP, 99, 0, 1, 0, 0, 0, 0}, tcp...), false, true},
		"a later fragment":     {fragment, append([]byte{TCP, 0, 0, 8, 0, 0, 0, 0}, tcp...), true, true},
		"cut off at its start": {hopByHop, []byte{TCP, 0, 5, 2, 0, 0, 1}, false, false},
		"cut off at its end":   {routing, []byte{TCP, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.True(t, IsExtension(c.header))
			e, ok := ReadExtension(c.header, c.b)
			require.Equal(t, c.ok, ok)
			if ok {
				assert.Equal(t, Extension{TCP, tcp, c.later}, e)
			}
		})
	}
	for _, header := range []byte{ICMP, TCP, UDP, GRE, ICMPv6, 59} {
		assert.False(t, IsExtension(header), header)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	four, six := ipv4(), ipv6(hopByHop, ICMPv6, 0, 5, 2, 0, 0, 1, 0)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		_, _, ok := four.Lengths()
		e, read := ReadExtension(six.NextHeader(), six[IPv6Len:])
		if !ok || !read || e.Next != ICMPv6 || !four.ChecksumOK() || Source(four) == Destination(six) {
			t.Error("a header was not read")
		}
	}))
}

// FuzzHeaders compares what is read with what gVisor reads of the same bytes.
func FuzzHeaders(f *testing.F) {
	f.Add([]byte(ipv4()))
	f.Add([]byte(ipv6(hopByHop, ICMPv6, 0, 5, 2, 0, 0, 1, 0)))
	f.Add([]byte(ipv6(fragment, TCP, 0, 0, 8, 0, 0, 0, 0)))
	f.Fuzz(func(t *testing.T, b []byte) {
		switch Version(b) {
		case 4:
			p, ref := IPv4(b), header.IPv4(b)
			size, total, ok := p.Lengths()
			require.Equal(t, ref.IsValid(len(b)), ok)
			require.Equal(t, int(ref.HeaderLength()), size)
			require.Equal(t, int(ref.TotalLength()), total)
			require.Equal(t, ref.Protocol(), p.Protocol())
			require.Equal(t, ref.SourceAddress().As4(), p.Source().As4())
			require.Equal(t, ref.DestinationAddress().As4(), p.Destination().As4())
			require.Equal(t, ref.FragmentOffset(), p.Fragment()&FragmentOffset*8)
			require.Equal(t, ref.More() || ref.FragmentOffset() != 0, p.IsFragment())
			if ok {
				require.Equal(t, ref.IsChecksumValid(), p.ChecksumOK())
				p.PutChecksum()
				require.True(t, p.ChecksumOK())
			}
		case 6:
			p, ref := IPv6(b), header.IPv6(b)
			require.Equal(t, ref.IsValid(len(b)), p.TotalLen() <= len(b))
			require.Equal(t, ref.SourceAddress().As16(), p.Source().As16())
			require.Equal(t, ref.DestinationAddress().As16(), p.Destination().As16())
			next, rest := p.NextHeader(), b[IPv6Len:]
			for IsExtension(next) {
				e, ok := ReadExtension(next, rest)
				if !ok || e.Later {
					break
				}
				require.Less(t, len(e.Rest), len(rest), "every step goes on")
				next, rest = e.Next, e.Rest
			}
		}
	})
}
