package tunnel

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// controlProtocols are those of PPP that are spoken or were, and some that nobody speaks.
var controlProtocols = []uint16{
	ppp.ProtoLCP, ppp.ProtoPAP, ppp.ProtoCHAP, ppp.ProtoCCP, ppp.ProtoIPCP, ppp.ProtoIPV6CP, ppp.ProtoEAP, 0xC025, 0xC029, 0x8281, 0x4025,
}

// TestForgedFramesWhileDataFlow forges every code of every protocol, with the right call ID and a
// near number, at both ends of a tunnel that is in use. tunnel/ppp's TestForgedFrames has what each
// does to the link by itself; here nothing is lost, nothing starts over, and no acknowledgment runs
// ahead.
func TestForgedFramesWhileDataFlow(t *testing.T) {
	noLeaks(t)
	a := newAttacker(t)
	w := newWorld(t, a.use)
	w.waitUp()
	w.burst(50)
	client, server := w.clientSession(), w.serverSession()
	for _, proto := range controlProtocols {
		for code := range byte(18) {
			for _, v := range w.victims() {
				before, live := v.stats().Frames, v.live()
				a.send(v,
					grePacket(v.session.callID, live+1+uint32(code), controlFrame(proto, code, code, []byte{18, 6, 0, 0, 0, 0})),
					grePacket(v.session.callID, live+frameNear/2, controlFrame(proto, code, code+100, nil)))
				w.eventually(func() bool { return v.stats().Frames >= before+2 }, "such frames are taken")
				require.Equal(t, live, v.live(), "they do not move the number of data")
				w.burst(3)
			}
		}
	}
	// What was forged last has waited for a second at most by then, in which the peer went on.
	w.eventually(func() bool {
		w.burst(1)
		return forged(client) >= 3 && forged(server) >= 3
	}, "LCP's, CCP's and IPCP's requests were found to be forged")
	w.burst(300)
	w.untouched(client, server)
	for _, v := range w.victims() {
		require.Zero(t, v.session.snapshot().Window.Lost)
		require.Zero(t, v.session.snapshot().Counters["in_overrun"])
	}
	w.stop()
}

// forged is how many requests a session has found to be forged.
func forged(s *Session) uint64 { return s.snapshot().Counters["ppp_forged"] }

// TestForgedEndOfAnIdleTunnel: a Terminate-Request and a Configure-Request of LCP and CCP at a
// tunnel without traffic end nothing, for the peer answers an echo, or a Reset-Request.
func TestForgedEndOfAnIdleTunnel(t *testing.T) {
	noLeaks(t)
	a := newAttacker(t)
	w := newWorld(t, a.use)
	w.waitUp()
	w.burst(50)
	client, server := w.clientSession(), w.serverSession()
	for _, v := range w.victims() {
		for i, proto := range []uint16{ppp.ProtoLCP, ppp.ProtoCCP} {
			for k, code := range []byte{5, 1} {
				n := uint32(2*i + k)
				a.send(v, grePacket(v.session.callID, v.live()+5+n, controlFrame(proto, code, 1, nil)))
				w.eventually(func() bool { return forged(v.session) == uint64(n+1) }, "the peer answers")
			}
		}
	}
	w.burst(300)
	w.untouched(client, server)
	w.stop()
}

// TestForgedEndOfEncryption: IPCP that somebody closes in an idle tunnel, and CCP in one that
// cannot ask for Reset-Acks, begin the link anew, with other keys; the client's Run never ends, and
// packets pass again.
func TestForgedEndOfEncryption(t *testing.T) {
	for name, proto := range map[string]uint16{"stateful CCP": ppp.ProtoCCP, "IPCP": ppp.ProtoIPCP} {
		for end, which := range map[string]int{"client": 0, "server": 1} {
			t.Run(name+" at the "+end, func(t *testing.T) {
				noLeaks(t)
				a := newAttacker(t)
				w := newWorld(t, func(c *ClientConfig, s *ServerConfig, po *gre.PipeOptions) {
					a.use(c, s, po)
					if proto == ppp.ProtoCCP {
						c.MPPE.Stateful, s.MPPE.Stateful = ppp.StatefulRequired, ppp.StatefulRequired
					}
				})
				w.waitUp()
				w.burst(50)
				client, server := w.clientSession(), w.serverSession()
				v := w.victims()[which]
				a.send(v, grePacket(v.session.callID, v.live()+5, controlFrame(proto, 5, 1, nil)))
				w.waitUp()
				require.Same(t, client, w.clientSession())
				require.Same(t, server, w.serverSession())
				w.burst(300)
				w.stop()
			})
		}
	}
}

// TestAcknowledgmentsFollowData: once data has come, what proves a number is that a packet
// deciphers. A control frame ahead of that is not acknowledged, but an echo with the peer's magic
// number, which keeps an idle tunnel acknowledged.
func TestAcknowledgmentsFollowData(t *testing.T) {
	const magic = 0xC0FFEE11
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	p := newPair(t, backend, 4, 64)
	p.b.openNetwork(ppp.NetworkUp{Local: clientIP, Remote: serverIP, SendMRU: DefaultMTU + mppeOverhead, PeerMagic: magic})
	now := time.Unix(1000, 0)
	acknowledged := func() uint32 {
		t.Helper()
		ack, _ := p.b.piggyback()
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
	for _, ahead := range []uint32{frameNear, 2000, 1 << 20, 1, 100, frameNear - 1} {
		control(ahead, controlFrame(ppp.ProtoLCP, 11, 1, make([]byte, 4)))
		control(ahead, echo(magic+1))
		require.Equal(t, live, acknowledged(), "%d ahead", ahead)
	}
	require.EqualValues(t, 6, p.b.in.stats.Disbelieved, "from %d ahead on they are not even read", frameNear)
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

// TestStatefulAcknowledgmentsFollowData: the same where packets are deciphered behind the window.
func TestStatefulAcknowledgmentsFollowData(t *testing.T) {
	p := modePair(t, fuzzStateful)
	now := time.Unix(1000, 0)
	for range 10 {
		p.cross(now)
	}
	live := p.b.in.data.last
	ack, ok := p.b.piggyback()
	require.True(t, ok)
	require.Equal(t, live, ack)
	for i := range uint32(40) {
		p.b.receive(now, []gre.Packet{{Addr: serverOuter, Data: grePacket(p.b.callID, live+1+i, mppeFrame(0x9000, make([]byte, 60)))}}, p.w)
	}
	ack, ok = p.b.piggyback()
	assert.False(t, ok, "nothing that deciphered is ahead of %d", ack)
}

// TestForgedFrameHidesNoGenuineOne: two frames under one number are two.
func TestForgedFrameHidesNoGenuineOne(t *testing.T) {
	var l frameLog
	forgery, genuine := controlFrame(0x8281, 1, 1, nil), controlFrame(ppp.ProtoLCP, 10, 1, make([]byte, 4))
	assert.False(t, l.repeated(7, forgery))
	assert.False(t, l.repeated(7, genuine))
	assert.True(t, l.repeated(7, genuine))
	assert.False(t, l.repeated(8, genuine))
}

// TestDataKeepATunnelWhoseEchoesAreLost: any packet that deciphers is a sign of life.
func TestDataKeepATunnelWhoseEchoesAreLost(t *testing.T) {
	noLeaks(t)
	w := newWorld(t, func(c *ClientConfig, s *ServerConfig, po *gre.PipeOptions) {
		c.EchoInterval, c.EchoFailures, s.EchoInterval = MinEchoInterval, 2, -1
		po.Impair = loseEchoes
	})
	w.waitUp()
	client, server := w.clientSession(), w.serverSession()
	for began := time.Now(); time.Since(began) < 15*MinEchoInterval; {
		w.burst(1)
	}
	w.untouched(client, server)
	// Without data the client finds that nobody answers.
	require.Equal(t, ClassNetwork, ClassOf(w.waitClient()))
	w.endServer()
}

// loseEchoes loses LCP's echoes, both ways.
func loseEchoes(_ netip.Addr, packet []byte, deliver func([]byte)) {
	if _, payload, err := gre.Parse(packet); err == nil {
		if _, ok := ppp.EchoMagic(payload); ok {
			return
		}
	}
	deliver(packet)
}
