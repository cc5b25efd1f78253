package tunnel

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/internal/session"
)

// TestNearFramesTakeNoNumberFromData: anyone can send a control frame under a number that data is
// about to use. One of a protocol that nobody knows changes nothing else, so every packet must
// still arrive.
func TestNearFramesTakeNoNumberFromData(t *testing.T) {
	noLeaks(t)
	a := newAttacker(t)
	w := newWorld(t, a.use)
	w.waitUp()
	w.burst(100)
	client, server := w.clientSession(), w.serverSession()
	protocols := []uint16{0xC123, 0x8035, 0x4025, 0x003D}
	for _, v := range w.victims() {
		var out [][]byte
		live, before := v.live(), v.counter("control_frames_in")
		for i := range uint32(600) {
			out = append(out,
				grePacket(v.session.CallID(), live+i-100, controlFrame(protocols[i%4], byte(i), byte(i), a.random(20))),
				grePacket(v.session.CallID(), live+session.Near-1-i, controlFrame(protocols[i%4], byte(i), byte(i), nil)))
		}
		a.send(v, out...)
		require.Greater(t, v.counter("control_frames_in"), before, "such frames are taken")
		require.Equal(t, live, v.live(), "they do not move the number of data")
	}
	w.burst(300)
	w.burst(300)
	w.untouched(client, server)
	for _, v := range w.victims() {
		require.Zero(t, v.session.Snapshot().Window.Lost)
	}
	w.stop()
}
