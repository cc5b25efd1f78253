package scale

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

func TestMeasureReceive(t *testing.T) {
	for _, sockets := range []bool{false, true} {
		for _, readers := range []int{1, 2, 3} {
			t.Run(fmt.Sprintf("sockets=%v/readers=%d", sockets, readers), func(t *testing.T) {
				if sockets {
					if err := CanUseSockets(); err != nil {
						t.Skip(err)
					}
				}
				row, err := MeasureReceive(t.Context(), ReceiveConfig{Config: small(t), Readers: readers, Packets: 2000, Sockets: sockets})
				require.NoError(t, err)
				assert.Equal(t, 2000, row.Packets)
				assert.Equal(t, readers, row.Readers)
				assert.Equal(t, sockets, row.Sockets)
				assert.Equal(t, runtime.GOMAXPROCS(0), row.Cores)
				assert.Positive(t, row.PacketsPerSecond())
			})
		}
	}
}
