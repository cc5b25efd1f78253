package tunnel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestDataAfterALongQuietTime: the echoes of a night take more sequence numbers than a window has. The first packets of
// the morning arrive all the same, and none of the numbers counts as lost.
func TestDataAfterALongQuietTime(t *testing.T) {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	p := newPair(t, backend, 4, 64)
	now := time.Unix(1000, 0)
	p.b.control(now, p.a.out.seq.Next(), controlFrame(ppp.ProtoLCP, 9, 0, make([]byte, 4)))
	p.cross(now)
	for i := range 3 * near {
		p.wire.n = 0
		p.a.sendFrame(controlFrame(ppp.ProtoLCP, 9, byte(i), make([]byte, 4)))
		p.b.receive(now, []gre.Packet{{Addr: serverOuter, Data: p.wire.sent[0]}}, p.w)
		<-p.b.frames
		now = now.Add(15 * time.Second)
	}
	require.False(t, p.b.in.data.isNear(p.b.in.ctl.last))
	before := p.dev.packets
	for range 10 {
		p.cross(now)
	}
	require.Equal(t, before+40, p.dev.packets)
	require.Zero(t, p.b.in.win.Stats().Lost)
}
