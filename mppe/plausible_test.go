package mppe

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// ipv6 is a PPP protocol field and an IPv6 packet with size bytes of payload.
func ipv6(size int) []byte {
	b := make([]byte, 2+40+size)
	b[1] = protocolIPv6
	b[2] = 0x60
	binary.BigEndian.PutUint16(b[6:], uint16(size))
	return b
}

func TestPlausiblePPP(t *testing.T) {
	changed := func(b []byte, f func(p []byte)) []byte {
		f(b[2:])
		setChecksum(b[2:])
		return b
	}
	options := ipv4(1, 100)
	for _, v := range []struct {
		name  string
		plain []byte
		want  bool
	}{
		{"IPv4", ipv4(1, 40), true},
		{"IPv4 with compressed protocol", ipv4(1, 40)[1:], true},
		{"IPv4 with options", changed(options, func(p []byte) { p[0] = 0x4F }), true},
		{"IPv4 with padding", append(ipv4(1, 40), make([]byte, 64)...), true},
		{"IPv4 with too much padding", append(ipv4(1, 40), make([]byte, 65)...), false},
		{"IPv4 cut short", ipv4(1, 40)[:41], false},
		{"IPv4 without a whole header", ipv4(1, 24)[:21], false},
		{"IPv4 of version 5", changed(ipv4(1, 40), func(p []byte) { p[0] = 0x55 }), false},
		{"IPv4 with a header of 16 bytes", changed(ipv4(1, 40), func(p []byte) { p[0] = 0x44 }), false},
		{"IPv4 with a header longer than the packet", changed(ipv4(1, 60), func(p []byte) { p[0], p[3] = 0x4B, 40 }), false},
		{"IPv4 with a total length below the header", changed(ipv4(1, 40), func(p []byte) { p[3] = 19 }), false},
		{"IPv4 with a wrong checksum", func() []byte { b := ipv4(1, 40); b[12] ^= 1; return b }(), false},
		{"IPv6", ipv6(20), true},
		{"IPv6 without payload", ipv6(0), true},
		{"IPv6 with compressed protocol", ipv6(20)[1:], true},
		{"IPv6 cut short", ipv6(20)[:61], false},
		{"IPv6 too long", append(ipv6(20), 0), false},
		{"IPv6 without a whole header", ipv6(0)[:41], false},
		{"IPv6 of version 4", func() []byte { b := ipv6(20); b[2] = 0x40; return b }(), false},
		{"LCP", []byte{0xC0, 0x21, 1, 1, 0, 4}, false},
		{"other network protocol", []byte{0x00, 0x2B, 1, 2, 3, 4}, false},
		{"nothing", nil, false},
		{"one byte", []byte{0x21}, false},
		{"two bytes", []byte{0x00, 0x21}, false},
	} {
		t.Run(v.name, func(t *testing.T) {
			assert.Equal(t, v.want, PlausiblePPP(true, true)(v.plain))
		})
	}
	assert.False(t, PlausiblePPP(false, true)(ipv4(1, 40)))
	assert.False(t, PlausiblePPP(true, false)(ipv6(20)))
}

// TestPlausiblePPPRefusesNoise keeps the judge's strictness: of a million random packets that even
// begin with an IPv4 or IPv6 protocol field, next to none may pass.
func TestPlausiblePPPRefusesNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	judge := PlausiblePPP(true, true)
	passed := 0
	plain := make([]byte, 200)
	for i := range 1_000_000 {
		for j := 2; j < PlausiblePrefix; j += 8 {
			binary.LittleEndian.PutUint64(plain[j-2:], r.Uint64())
		}
		plain[0], plain[1] = 0, []byte{protocolIPv4, protocolIPv6}[i&1]
		if judge(plain) {
			passed++
		}
	}
	assert.LessOrEqual(t, passed, 3)
}

func FuzzPlausiblePPP(f *testing.F) {
	f.Add(ipv4(1, 40))
	f.Add(ipv6(3)[1:])
	f.Add([]byte{0x21})
	judge := PlausiblePPP(true, true)
	f.Fuzz(func(t *testing.T, plain []byte) { judge(plain) })
}
