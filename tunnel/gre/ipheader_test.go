package gre

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStripIPv4(t *testing.T) {
	header := func(first byte, total int, n int) []byte {
		b := make([]byte, n)
		if n >= 20 {
			b[0], b[2], b[3] = first, byte(total>>8), byte(total)
			copy(b[12:], []byte{192, 0, 2, 7})
		}
		return b
	}
	for _, tc := range []struct {
		name   string
		packet []byte
		want   int // bytes of data; -1: unsound
	}{
		{"plain", header(0x45, 30, 30), 10},
		{"options", header(0x46, 30, 30), 6},
		{"all options", header(0x4F, 60, 60), 0},
		{"padding is cut", header(0x45, 25, 46), 5},
		{"empty", nil, -1},
		{"short", header(0, 0, 19), -1},
		{"version 6", header(0x65, 30, 30), -1},
		{"header length 16", header(0x44, 30, 30), -1},
		{"header longer than the packet", header(0x4F, 30, 30), -1},
		{"total length shorter than the header", header(0x45, 19, 30), -1},
		{"total length past the end", header(0x45, 31, 30), -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src, data, ok := stripIPv4(tc.packet)
			require.Equal(t, tc.want >= 0, ok)
			if ok {
				assert.Len(t, data, tc.want)
				assert.Equal(t, netip.MustParseAddr("192.0.2.7"), src)
			}
		})
	}
}

func FuzzStripIPv4(f *testing.F) {
	f.Add([]byte{0x45, 0, 0, 21, 0, 0, 0, 0, 64, 47, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0x30})
	f.Add([]byte{0x4F})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, data, ok := stripIPv4(b)
		if ok {
			require.LessOrEqual(t, len(data)+20, len(b))
		}
	})
}
