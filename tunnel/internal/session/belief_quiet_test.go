package session

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestDataAfterALongQuietTime: the echoes of a night take more sequence numbers than a window has.
// The first packets of the morning arrive all the same, and none of the numbers counts as lost.
func TestDataAfterALongQuietTime(t *testing.T) {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	p := newPair(t, backend, 4, 64)
	now := time.Unix(1000, 0)
	p.b.in.control(now, p.a.out.seq.Next(), controlFrame(ppp.ProtoLCP, 9, 0, make([]byte, 4)))
	p.cross(now)
	for i := range 3 * Near {
		p.wire.n = 0
		p.a.out.sendFrame(controlFrame(ppp.ProtoLCP, 9, byte(i), make([]byte, 4)))
		p.b.receive(now, []gre.Packet{{Addr: serverOuter, Data: p.wire.sent[0]}}, p.w)
		<-p.b.in.frames
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

// TestEchoAfterAnOutage: an idle session that has lost more packets than a window has hears the
// peer's next echo, which carries the magic number that both have agreed on; under any other it is
// disbelieved as before.
func TestEchoAfterAnOutage(t *testing.T) {
	const magic = 0xC0FFEE11
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	p := newPair(t, backend, 4, 64)
	p.b.openNetwork(ppp.NetworkUp{Local: clientIP, Remote: serverIP, SendMRU: defaultMTU + MPPEOverhead, PeerMagic: magic})
	now := time.Unix(1000, 0)
	p.cross(now)
	echo := func(magic uint32) {
		p.wire.n = 0
		p.a.out.sendFrame(controlFrame(ppp.ProtoLCP, 10, 1, binary.BigEndian.AppendUint32(nil, magic)))
		p.b.receive(now, []gre.Packet{{Addr: serverOuter, Data: p.wire.sent[0]}}, p.w)
	}
	p.swallow(3 * Near)
	echo(magic + 1)
	echo(0)
	require.Empty(t, p.b.in.frames)
	require.EqualValues(t, 2, p.b.in.stats.Disbelieved)
	echo(magic)
	require.Len(t, p.b.in.frames, 1)
	echo(magic + 1)
	require.Len(t, p.b.in.frames, 2, "what comes near it is heard again")

	before := p.dev.packets
	for range 100 {
		p.cross(now)
		p.b.in.catchUp(now)
		now = now.Add(catchUpEvery)
	}
	require.Greater(t, p.dev.packets, before+300, "data finds its way back too")

	// An echo from long ago is nobody's number to follow.
	p.b.in.control(now, p.b.in.ctl.last-2*Near, controlFrame(ppp.ProtoLCP, 10, 1, binary.BigEndian.AppendUint32(nil, magic)))
	require.EqualValues(t, 3, p.b.in.stats.Disbelieved)
}

// TestEchoOfAnotherMagicAfterAnOutage: a peer whose echoes carry another magic number than was
// agreed on, or none, is heard after an outage all the same, for its answers return what is in our
// Echo-Requests; a forged one does not.
func TestEchoOfAnotherMagicAfterAnOutage(t *testing.T) {
	const magic, nonce = 0xC0FFEE11, 0x0123456789ABCDEF
	reply := func(code byte, magic uint32, nonce uint64) []byte {
		data := binary.BigEndian.AppendUint32(nil, magic)
		return controlFrame(ppp.ProtoLCP, code, 1, binary.BigEndian.AppendUint64(data, nonce))
	}
	for name, c := range map[string]struct {
		ours  uint64 // in our Echo-Requests
		frame []byte
		heard bool
	}{
		"a reply without a magic number":      {nonce, reply(10, 0, nonce), true},
		"a reply with another one":            {nonce, reply(10, magic+1, nonce), true},
		"a reply with another nonce":          {nonce, reply(10, magic+1, nonce+1), false},
		"a request, which returns nothing":    {nonce, reply(9, magic+1, nonce), false},
		"a reply that returns nothing":        {nonce, controlFrame(ppp.ProtoLCP, 10, 1, []byte{0, 0, 0, 0}), false},
		"a reply of zeros, and there is none": {0, reply(10, 0, 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			backend, err := arc4.Lookup("")
			require.NoError(t, err)
			p := newPair(t, backend, 4, 64)
			p.b.openNetwork(ppp.NetworkUp{Local: clientIP, Remote: serverIP, SendMRU: defaultMTU + MPPEOverhead, PeerMagic: magic, EchoNonce: c.ours})
			now := time.Unix(1000, 0)
			p.cross(now)
			p.swallow(2 * FrameNear)
			p.wire.n = 0
			p.a.out.sendFrame(c.frame)
			p.b.receive(now, []gre.Packet{{Addr: serverOuter, Data: p.wire.sent[0]}}, p.w)
			require.Equal(t, c.heard, len(p.b.in.frames) == 1)
			require.Equal(t, c.heard, p.b.in.stats.Disbelieved == 0)
		})
	}
}
