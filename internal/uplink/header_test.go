package uplink

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

var (
	ours   = netip.MustParseAddr("192.0.2.2")
	theirs = netip.MustParseAddr("198.51.100.1")
	ourMAC = mac{2, 0, 0, 0, 0, 1}
	hopMAC = mac{2, 0, 0, 0, 0, 2}
)

// sumOf is the ones' complement sum of RFC 1071, the plain way.
func sumOf(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
		if sum > 0xFFFF {
			sum -= 0xFFFF
		}
	}
	return uint16(sum)
}

func TestHeader(t *testing.T) {
	h := newHeader(ourMAC, hopMAC, ours, theirs)
	var b [headerLen]byte
	h.put(b[:], 1416, 0xBEEF)
	assert.Equal(t, []byte{
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00,
		0x45, 0, 0x05, 0x9C, 0xBE, 0xEF, 0, 0, 64, 47, 0xCA, 0x0C, 192, 0, 2, 2, 198, 51, 100, 1,
	}, b[:])
}

// FuzzHeader holds the checksum to its definition for every length, identification and address.
func FuzzHeader(f *testing.F) {
	f.Add(uint32(0xC0000202), uint32(0xC6336401), uint16(1416), uint16(0))
	f.Add(uint32(0xFFFFFFFF), uint32(0xFFFFFFFF), uint16(0xFFFF-ipv4Len), uint16(0xFFFF))
	f.Add(uint32(0), uint32(0), uint16(0), uint16(0))
	f.Fuzz(func(t *testing.T, from, to uint32, payload, id uint16) {
		four := func(v uint32) netip.Addr {
			return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
		}
		payload = min(payload, 0xFFFF-ipv4Len)
		h := newHeader(ourMAC, hopMAC, four(from), four(to))
		b := make([]byte, headerLen)
		h.put(b, int(payload), id)
		assert.Equal(t, uint16(0xFFFF), sumOf(b[ethernetLen:]))
		assert.Equal(t, id, uint16(b[ethernetLen+4])<<8|uint16(b[ethernetLen+5]))
	})
}

func TestHeaderDoesNotAllocate(t *testing.T) {
	h := newHeader(ourMAC, hopMAC, ours, theirs)
	b := make([]byte, headerLen)
	assert.Zero(t, testing.AllocsPerRun(100, func() { h.put(b, 1416, 7) }))
}
