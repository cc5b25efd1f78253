package tunnel

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestDataBeforeTheNetworkIsUp: one lost Configure-Ack leaves one end up and the other not. What
// the first sends meanwhile takes sequence numbers, more than are near, and the frames that come
// after them must be believed still.
func TestDataBeforeTheNetworkIsUp(t *testing.T) {
	for _, tt := range []struct {
		name string
		mppe ppp.MPPEPolicy
	}{
		{"stateless", ppp.MPPEPolicy{}},
		{"stateful", ppp.MPPEPolicy{Mode: ppp.Require, Stateful: ppp.StatefulRequired}},
		{"clear", ppp.MPPEPolicy{Mode: ppp.Off}},
	} {
		t.Run(tt.name, func(t *testing.T) { dataBeforeTheNetworkIsUp(t, tt.mppe) })
	}
}

func dataBeforeTheNetworkIsUp(t *testing.T, policy ppp.MPPEPolicy) {
	noLeaks(t)
	var lost atomic.Bool
	var passed atomic.Int64
	w := newWorld(t, func(c *ClientConfig, s *ServerConfig, po *wireOptions) {
		c.restartTimer, s.restartTimer = time.Second, time.Second
		c.MPPE, s.MPPE = policy, policy
		po.Queue = 1 << 15
		po.Impair = func(from netip.Addr, packet []byte, deliver func([]byte)) {
			_, payload, _ := gre.Parse(packet)
			proto, body, err := ppp.ParseFrame(payload)
			const configureAck = 2
			if err == nil && from == serverOuter && proto == ppp.ProtoIPCP && body[0] == configureAck && !lost.Swap(true) {
				return
			}
			if from == serverOuter && carriesData(packet) {
				passed.Add(1)
			}
			deliver(packet)
		}
	})
	w.eventually(lost.Load, "the acknowledgment is lost")
	w.eventually(func() bool { return isUp(w.server.Snapshot()) }, "the server is up")
	for i := range uint32(3 * session.Near) {
		w.serverDev.Put(packet(serverIP, clientIP, i, 0))
	}
	w.waitUp()
	t.Log(passed.Load(), "packets came early")
	w.settle()
	w.burst(100)
	w.stop()
}
