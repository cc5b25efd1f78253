package tunnel

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
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
				before, live := v.counter("control_frames_in"), v.live()
				a.send(v,
					grePacket(v.session.CallID(), live+1+uint32(code), controlFrame(proto, code, code, []byte{18, 6, 0, 0, 0, 0})),
					grePacket(v.session.CallID(), live+session.FrameNear/2, controlFrame(proto, code, code+100, nil)))
				w.eventually(func() bool { return v.counter("control_frames_in") >= before+2 }, "such frames are taken")
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
		require.Zero(t, v.session.Snapshot().Window.Lost)
		require.Zero(t, v.session.Snapshot().Counters["in_overrun"])
	}
	w.stop()
}

// forged is how many requests a session has found to be forged.
func forged(s *session.Session) uint64 { return s.Snapshot().Counters["ppp_forged"] }

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
				a.send(v, grePacket(v.session.CallID(), v.live()+5+n, controlFrame(proto, code, 1, nil)))
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
				w := newWorld(t, func(c *ClientConfig, s *ServerConfig, po *wireOptions) {
					a.use(c, s, po)
					if proto == ppp.ProtoCCP {
						c.MPPE.Stateful, s.MPPE.Stateful = ppp.StatefulRequired, ppp.StatefulRequired
					}
				})
				w.waitUp()
				w.burst(50)
				client, server := w.clientSession(), w.serverSession()
				v := w.victims()[which]
				a.send(v, grePacket(v.session.CallID(), v.live()+5, controlFrame(proto, 5, 1, nil)))
				w.waitUp()
				require.Same(t, client, w.clientSession())
				require.Same(t, server, w.serverSession())
				w.burst(300)
				w.stop()
			})
		}
	}
}

// TestDataKeepATunnelWhoseEchoesAreLost: any packet that decrypts is a sign of life.
func TestDataKeepATunnelWhoseEchoesAreLost(t *testing.T) {
	noLeaks(t)
	w := newWorld(t, func(c *ClientConfig, s *ServerConfig, po *wireOptions) {
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
