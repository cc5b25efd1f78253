package scale

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestPacketsFollowFromSeed: the same seed and peer give the same packets, others do not, and all
// kinds of packets come up.
func TestPacketsFollowFromSeed(t *testing.T) {
	generate := func(seed, peer uint64) (out [][]byte) {
		d := newPacketGen(seed, peer)
		for range 3000 {
			out = append(out, d.control([]uint16{1, 2, 3}), d.frame(out[max(0, len(out)-20):]))
		}
		return out
	}
	a := generate(1, 2)
	require.Equal(t, a, generate(1, 2))
	require.NotEqual(t, a, generate(1, 3))
	types, protocols, sound := map[control.Type]int{}, map[uint16]int{}, 0
	for i, b := range a {
		if i%2 == 0 {
			if m, err := control.Parse(b); err == nil {
				types[m.Type()]++
			}
			continue
		}
		if proto, info, err := ppp.ParseFrame(b); err == nil {
			protocols[proto]++
			if len(info) >= 4 && int(info[2])<<8|int(info[3]) == len(info) && !bytes.Equal(info, nil) {
				sound++
			}
		}
	}
	for typ := control.TypeStartRequest; typ <= control.TypeSetLinkInfo; typ++ {
		assert.Positive(t, types[typ], typ)
	}
	for _, proto := range []uint16{ppp.ProtoLCP, ppp.ProtoPAP, ppp.ProtoCHAP, ppp.ProtoCCP, ppp.ProtoIPCP, ppp.ProtoIPV6CP, ppp.ProtoEAP, ppp.ProtoCompressed, ppp.ProtoIPv4} {
		assert.Positive(t, protocols[proto], "protocol %04x", proto)
	}
	assert.Greater(t, sound, 1000)
}
