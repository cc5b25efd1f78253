package netdev

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// segment is a TCP header with these options (padded to words by the caller) and payload.
func segment(flags byte, options, payload []byte) []byte {
	s := make([]byte, 20, 20+len(options)+len(payload))
	binary.BigEndian.PutUint16(s, 40000)
	binary.BigEndian.PutUint16(s[2:], 443)
	s[12] = byte((20 + len(options)) / 4 << 4)
	s[13] = flags
	return append(append(s, options...), payload...)
}

func packet4(ipOptions int, seg []byte) []byte {
	p := make([]byte, 20+ipOptions, 20+ipOptions+len(seg))
	p[0] = 0x40 | byte((20+ipOptions)/4)
	binary.BigEndian.PutUint16(p[2:], uint16(20+ipOptions+len(seg)))
	p[9] = 6
	copy(p[12:], []byte{10, 0, 0, 1})
	copy(p[16:], []byte{192, 0, 2, 9})
	p = append(p, seg...)
	setChecksum(p)
	return p
}

func packet6(seg []byte) []byte {
	p := make([]byte, 40, 40+len(seg))
	p[0] = 0x60
	binary.BigEndian.PutUint16(p[4:], uint16(len(seg)))
	p[6] = 6
	p[8], p[23], p[24], p[39] = 0xfe, 1, 0xfe, 2
	p = append(p, seg...)
	setChecksum(p)
	return p
}

// tcpChecksum recomputes the checksum over pseudo header and segment (RFC 9293 section 3.1).
func tcpChecksum(p []byte) uint16 {
	var sum uint32
	add := func(b []byte) {
		for i := 0; i < len(b); i++ {
			if i%2 == 0 {
				sum += uint32(b[i]) << 8
			} else {
				sum += uint32(b[i])
			}
		}
	}
	seg := tcpOf(p)
	if p[0]>>4 == 4 {
		add(p[12:20])
	} else {
		add(p[8:40])
	}
	sum += 6 + uint32(len(seg))
	add(seg[:16])
	add(seg[18:])
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

func tcpOf(p []byte) []byte {
	if p[0]>>4 == 4 {
		return p[int(p[0]&15)*4 : binary.BigEndian.Uint16(p[2:])]
	}
	return p[40 : 40+int(binary.BigEndian.Uint16(p[4:]))]
}

func setChecksum(p []byte) { binary.BigEndian.PutUint16(tcpOf(p)[16:], tcpChecksum(p)) }

func mss(v int) []byte { return []byte{2, 4, byte(v >> 8), byte(v)} }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestClampMSSLowers(t *testing.T) {
	for name, tc := range map[string]struct {
		packet []byte
		offset int // of the MSS value
		want   int
	}{
		"IPv4 SYN":              {packet4(0, segment(ippkt.FlagSYN, mss(1460), nil)), 42, 1360},
		"IPv4 SYN-ACK":          {packet4(0, segment(ippkt.FlagSYN|ippkt.FlagACK, mss(1460), nil)), 42, 1360},
		"IPv4 with IP options":  {packet4(12, segment(ippkt.FlagSYN, mss(1460), nil)), 54, 1360},
		"IPv4 odd offset":       {packet4(0, segment(ippkt.FlagSYN, join([]byte{1}, mss(1460), []byte{1, 1, 1}), nil)), 43, 1360},
		"IPv4 after others":     {packet4(0, segment(ippkt.FlagSYN, join([]byte{4, 2, 3, 3, 7}, mss(8960), []byte{1, 1, 0}), nil)), 47, 1360},
		"IPv4 fast open data":   {packet4(0, segment(ippkt.FlagSYN, mss(1460), []byte("hello"))), 42, 1360},
		"IPv4 highest":          {packet4(0, segment(ippkt.FlagSYN, mss(65535), nil)), 42, 1360},
		"IPv6 SYN":              {packet6(segment(ippkt.FlagSYN, mss(1440), nil)), 62, 1340},
		"IPv6 odd offset":       {packet6(segment(ippkt.FlagSYN|ippkt.FlagACK, join([]byte{1}, mss(9000), []byte{1, 1, 1}), nil)), 63, 1340},
		"IPv4 padding after it": {append(packet4(0, segment(ippkt.FlagSYN, mss(1460), nil)), 0, 0, 0, 0), 42, 1360},
	} {
		t.Run(name, func(t *testing.T) {
			require.True(t, ClampMSS(tc.packet, 1400))
			assert.Equal(t, tc.want, int(binary.BigEndian.Uint16(tc.packet[tc.offset:])))
			assert.Equal(t, tcpChecksum(tc.packet), binary.BigEndian.Uint16(tcpOf(tc.packet)[16:]), "checksum")
			assert.False(t, ClampMSS(tc.packet, 1400), "a second pass finds nothing to do")
		})
	}
}

func TestClampMSSLowersEveryRepetition(t *testing.T) {
	p := packet4(0, segment(ippkt.FlagSYN, join(mss(1460), mss(1400)), nil))
	require.True(t, ClampMSS(p, 1400))
	assert.Equal(t, join(mss(1360), mss(1360)), p[40:48])
	assert.Equal(t, tcpChecksum(p), binary.BigEndian.Uint16(tcpOf(p)[16:]))
}

func TestClampMSSLeavesAlone(t *testing.T) {
	syn := func() []byte { return packet4(0, segment(ippkt.FlagSYN, mss(1460), nil)) }
	with := func(p []byte, change func([]byte)) []byte { change(p); return p }
	for name, p := range map[string][]byte{
		"nothing":                 {},
		"one byte":                {0x45},
		"not IP":                  make([]byte, 60),
		"smaller already":         packet4(0, segment(ippkt.FlagSYN, mss(536), nil)),
		"equal":                   packet4(0, segment(ippkt.FlagSYN, mss(1360), nil)),
		"no SYN":                  packet4(0, segment(ippkt.FlagACK, mss(1460), nil)),
		"no option":               packet4(0, segment(ippkt.FlagSYN, nil, nil)),
		"after end of list":       packet4(0, segment(ippkt.FlagSYN, join([]byte{0, 0, 0, 0}, mss(1460)), nil)),
		"UDP":                     with(syn(), func(p []byte) { p[9] = 17 }),
		"first fragment":          with(syn(), func(p []byte) { p[6] |= 0x20 }),
		"later fragment":          with(syn(), func(p []byte) { p[7] = 1 }),
		"IHL 4":                   with(syn(), func(p []byte) { p[0] = 0x44 }),
		"IHL past the end":        with(syn(), func(p []byte) { p[0] = 0x4f }),
		"total length too long":   with(syn(), func(p []byte) { p[3]++ }),
		"total length too short":  with(syn(), func(p []byte) { p[3] = 19 }),
		"truncated":               syn()[:43],
		"data offset 4":           with(syn(), func(p []byte) { p[32] = 0x40 }),
		"data offset past end":    with(syn(), func(p []byte) { p[32] = 0xf0 }),
		"MSS of length 3":         with(syn(), func(p []byte) { p[41] = 3 }),
		"option of length 0":      with(syn(), func(p []byte) { p[40], p[41] = 3, 0 }),
		"option of length 1":      with(syn(), func(p []byte) { p[40], p[41] = 3, 1 }),
		"option past the end":     packet4(0, segment(ippkt.FlagSYN, join(mss(1460), []byte{1, 1, 8, 10}), nil)),
		"option without length":   packet4(0, segment(ippkt.FlagSYN, join(mss(1460), []byte{1, 1, 1, 8}), nil)),
		"IPv6 smaller already":    packet6(segment(ippkt.FlagSYN, mss(1220), nil)),
		"IPv6 truncated header":   packet6(segment(ippkt.FlagSYN, mss(1440), nil))[:39],
		"IPv6 payload too long":   with(packet6(segment(ippkt.FlagSYN, mss(1440), nil)), func(p []byte) { p[5]++ }),
		"IPv6 extension header":   with(packet6(segment(ippkt.FlagSYN, mss(1440), nil)), func(p []byte) { p[6] = 0 }),
		"IPv6 fragment":           with(packet6(segment(ippkt.FlagSYN, mss(1440), nil)), func(p []byte) { p[6] = 44 }),
		"IPv6 shorter than a TCP": with(packet6(segment(ippkt.FlagSYN, mss(1440), nil)), func(p []byte) { p[5] = 19 }),
	} {
		t.Run(name, func(t *testing.T) {
			before := bytes.Clone(p)
			assert.False(t, ClampMSS(p, 1400))
			assert.Equal(t, before, p)
		})
	}
}

func TestClampMSSTinyMTU(t *testing.T) {
	p := packet4(0, segment(ippkt.FlagSYN, mss(1460), nil))
	before := bytes.Clone(p)
	for _, mtu := range []int{-1, 0, 40} {
		assert.False(t, ClampMSS(p, mtu), "MTU %d leaves no room for a segment", mtu)
	}
	assert.Equal(t, before, p)
}

func TestClampMSSDoesNotAllocate(t *testing.T) {
	p := packet4(0, segment(ippkt.FlagSYN, mss(1460), nil))
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		binary.BigEndian.PutUint16(p[42:], 1460)
		ClampMSS(p, 1400)
	}))
}

func FuzzClampMSS(f *testing.F) {
	f.Add(packet4(0, segment(ippkt.FlagSYN, mss(1460), nil)), 1400)
	f.Add(packet4(4, segment(ippkt.FlagSYN|ippkt.FlagACK, join([]byte{1}, mss(65535), []byte{1, 1, 0}), []byte("data"))), 576)
	f.Add(packet6(segment(ippkt.FlagSYN, join([]byte{4, 2}, mss(9000), []byte{1, 1}), nil)), 1280)
	f.Add(packet6(segment(ippkt.FlagSYN, join([]byte{1}, mss(9000), []byte{1, 1, 1}), []byte{7})), 1280)
	f.Add([]byte{0x45}, 68)
	f.Fuzz(func(t *testing.T, p []byte, mtu int) {
		probe := bytes.Clone(p)
		if !ClampMSS(probe, mtu) {
			require.Equal(t, p, probe, "unchanged packets keep every byte")
			return
		}
		// It will change: give the original a right checksum, and the result must be right too.
		setChecksum(p)
		before := bytes.Clone(p)
		require.True(t, ClampMSS(p, mtu))
		require.Equal(t, tcpChecksum(p), binary.BigEndian.Uint16(tcpOf(p)[16:]))
		require.Len(t, p, len(before))
		require.False(t, ClampMSS(p, mtu))
	})
}
