package session

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestAcknowledgmentsFollowData: once data has come, what proves a number is that a packet
// decrypts. A control frame ahead of that is not acknowledged, but an echo with the peer's magic
// number, which keeps an idle tunnel acknowledged.
func TestAcknowledgmentsFollowData(t *testing.T) {
	const magic = 0xC0FFEE11
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	p := newPair(t, backend, 4, 64)
	p.b.openNetwork(ppp.NetworkUp{Local: clientIP, Remote: serverIP, SendMRU: defaultMTU + MPPEOverhead, PeerMagic: magic})
	now := time.Unix(1000, 0)
	acknowledged := func() uint32 {
		t.Helper()
		ack, _ := p.b.acks.piggyback()
		return ack
	}
	control := func(ahead uint32, frame []byte) {
		live := p.b.in.data.last
		p.b.receive(now, []gre.Packet{{Addr: serverOuter, Data: grePacket(p.b.callID, live+ahead, frame)}}, p.w)
	}
	echo := func(magic uint32) []byte {
		return controlFrame(ppp.ProtoLCP, 9, 1, binary.BigEndian.AppendUint32(nil, magic))
	}
	p.cross(now)
	live := p.b.in.data.last
	require.Equal(t, live, acknowledged())
	for _, ahead := range []uint32{FrameNear, 2000, 1 << 20, 1, 100, FrameNear - 1} {
		control(ahead, controlFrame(ppp.ProtoLCP, 11, 1, make([]byte, 4)))
		control(ahead, echo(magic+1))
		require.Equal(t, live, acknowledged(), "%d ahead", ahead)
	}
	require.EqualValues(t, 6, p.b.in.stats.Disbelieved, "from %d ahead on they are not even read", FrameNear)
	control(2, echo(magic))
	require.Equal(t, live+2, acknowledged(), "an echo proves itself")
	control(200, echo(magic))
	require.Equal(t, live+2, acknowledged(), "but not so many in no time")
	now = now.Add(10 * time.Second)
	control(201, echo(magic))
	require.Equal(t, live+201, acknowledged())
	for range 100 {
		p.cross(now)
	}
	require.Equal(t, p.b.in.data.last, acknowledged(), "data are acknowledged as ever")
}

// TestStatefulAcknowledgmentsFollowData: the same where packets are decrypted behind the window.
func TestStatefulAcknowledgmentsFollowData(t *testing.T) {
	p := modePair(t, fuzzStateful)
	now := time.Unix(1000, 0)
	for range 10 {
		p.cross(now)
	}
	live := p.b.in.data.last
	ack, ok := p.b.acks.piggyback()
	require.True(t, ok)
	require.Equal(t, live, ack)
	for i := range uint32(40) {
		p.b.receive(now, []gre.Packet{{Addr: serverOuter, Data: grePacket(p.b.callID, live+1+i, mppeFrame(0x9000, make([]byte, 60)))}}, p.w)
	}
	ack, ok = p.b.acks.piggyback()
	assert.False(t, ok, "nothing that deciphered is ahead of %d", ack)
}
