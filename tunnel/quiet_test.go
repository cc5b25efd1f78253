package tunnel

import (
	"encoding/binary"
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

// TestEchoAfterAnOutage: an idle session that has lost more packets than a window has hears the peer's next echo, which
// carries the magic number that both have agreed on; under any other it is disbelieved as before.
func TestEchoAfterAnOutage(t *testing.T) {
	const magic = 0xC0FFEE11
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	p := newPair(t, backend, 4, 64)
	p.b.openNetwork(ppp.NetworkUp{Local: clientIP, Remote: serverIP, SendMRU: DefaultMTU + mppeOverhead, PeerMagic: magic})
	now := time.Unix(1000, 0)
	p.cross(now)
	echo := func(magic uint32) {
		p.wire.n = 0
		p.a.sendFrame(controlFrame(ppp.ProtoLCP, 10, 1, binary.BigEndian.AppendUint32(nil, magic)))
		p.b.receive(now, []gre.Packet{{Addr: serverOuter, Data: p.wire.sent[0]}}, p.w)
	}
	p.swallow(3 * near)
	echo(magic + 1)
	echo(0)
	require.Empty(t, p.b.frames)
	require.EqualValues(t, 2, p.b.in.stats.Disbelieved)
	echo(magic)
	require.Len(t, p.b.frames, 1)
	echo(magic + 1)
	require.Len(t, p.b.frames, 2, "what comes near it is heard again")

	before := p.dev.packets
	for range 100 {
		p.cross(now)
		p.b.catchUp(now)
		now = now.Add(catchUpEvery)
	}
	require.Greater(t, p.dev.packets, before+300, "data finds its way back too")

	// An echo from long ago is nobody's number to follow.
	p.b.control(now, p.b.in.ctl.last-2*near, controlFrame(ppp.ProtoLCP, 10, 1, binary.BigEndian.AppendUint32(nil, magic)))
	require.EqualValues(t, 3, p.b.in.stats.Disbelieved)
}
