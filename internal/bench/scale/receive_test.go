package scale

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestRecordedIsData: an acknowledgment or a keep-alive among what clients send is kept, but a
// recording is complete only when all data is there.
func TestRecordedIsData(t *testing.T) {
	frame := func(protocol uint16) []byte {
		b := append(ppp.AppendHeader(nil, protocol, false, false), 0x90, 0, 1, 2, 3)
		return append(gre.Header{PayloadLen: uint16(len(b)), HasSeq: true}.AppendTo(nil), b...)
	}
	for name, tc := range map[string]struct {
		packet []byte
		data   int
	}{
		"data":            {frame(ppp.ProtoCompressed), 1},
		"a control frame": {frame(ppp.ProtoLCP), 0},
		"acknowledgment":  {gre.AckOnly(1, 2).AppendTo(nil), 0},
		"nonsense":        {[]byte("no GRE at all"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{from: map[netip.Addr][][]byte{}, taking: true}
			assert.True(t, r.take(serverInner, [][]byte{tc.packet, tc.packet}))
			assert.Equal(t, 2*tc.data, r.recorded())
			assert.Len(t, r.from[serverInner], 2)
		})
	}
}
