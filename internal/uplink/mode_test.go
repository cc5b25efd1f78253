package uplink

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestModes(t *testing.T) {
	for _, tc := range []struct {
		name   string
		want   Mode
		ways   []Mode
		forced bool
	}{
		{"auto", Auto, bestFirst(runtime.GOARCH), false},
		{"xsk", XSK, []Mode{XSK}, true},
		{"packet", Packet, []Mode{Packet}, true},
		{"raw", Raw, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, err := ParseMode(tc.name)
			require.NoError(t, err)
			assert.Equal(t, tc.want, m)
			assert.Equal(t, tc.name, m.String())
			assert.Equal(t, tc.ways, m.ways())
			assert.Equal(t, tc.forced, m.forced())
		})
	}
	_, err := ParseMode("dpdk")
	assert.EqualError(t, err, `"dpdk": must be auto, xsk, packet or raw`)
	assert.Equal(t, "Mode(9)", Mode(9).String())
}

func TestBestFirst(t *testing.T) {
	for arch, want := range map[string][]Mode{
		"amd64": {XSK, Packet}, "arm64": {XSK, Packet}, "arm": {XSK, Packet},
		"mips": {Packet, XSK}, "mipsle": {Packet, XSK}, "mips64le": {Packet, XSK},
	} {
		assert.Equal(t, want, bestFirst(arch), arch)
	}
}
