package tunnel

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// CCP codes of RFC 1962 section 2.2.
const (
	resetRequest = 14
	resetAck     = 15
)

// mppe sets the same encryption at both ends.
func withMPPE(p ppp.MPPEPolicy, linuxReset bool) setting {
	return func(c *ClientConfig, s *ServerConfig, _ *wireOptions) {
		for _, o := range []*Options{&c.Options, &s.Options} {
			o.MPPE, o.LinuxReset = p, linuxReset
			o.Reorder.Timeout = 5 * time.Millisecond
		}
	}
}

// flow sends numbered packets in one direction and judges what arrives.
type flow struct {
	in, out  *memDevice
	from, to netip.Addr
	sent     uint32
	got      int
	last     int64  // the highest number that has arrived
	fault    string // the first thing that is wrong
}

func (f *flow) send(n int) {
	for range n {
		f.in.Put(marked(f.from, f.to, f.sent, 24+int(f.sent)*37%1377))
		f.sent++
	}
}

// take judges everything that has arrived: a packet must be what was sent, and later than the one
// before.
func (f *flow) take() {
	for len(f.out.Got) > 0 {
		p := <-f.out.Got
		n := number(p)
		want := marked(f.from, f.to, n, 24+int(n)*37%1377)
		if f.fault == "" && (int64(n) <= f.last || string(p) != string(want)) {
			f.fault = fmt.Sprintf("after %d came %d: % x", f.last, n, p)
		}
		f.last = int64(n)
		f.got++
	}
}

// TestStatefulMPPESurvivesLoss: every lost packet makes a stateful decrypter useless until the peer
// has answered its Reset-Request (RFC 3078 section 8.2). Requests and answers are lost like
// everything else.
func TestStatefulMPPESurvivesLoss(t *testing.T) {
	for _, strength := range []int{128, 56, 40} {
		for _, linux := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bits/LinuxReset %t", strength, linux), func(t *testing.T) {
				noLeaks(t)
				onWire := newWireTap()
				onWire.secret = [][]byte{marker}
				w := newWorld(t, onWire.use, withMPPE(ppp.MPPEPolicy{
					Mode: ppp.Require, Stateful: ppp.StatefulRequired, Strengths: []int{strength},
				}, linux))
				require.Equal(t, strength, w.waitUp().Encrypted)
				session := w.server.Snapshot().Sessions[0]
				require.Equal(t, strength, session.MPPE.Strength)
				require.False(t, session.MPPE.Stateless)
				w.exchange(50)

				onWire.losing(seededLoss(0.05))
				up := &flow{in: w.clientDev, out: w.serverDev, from: clientIP, to: serverIP, last: -1}
				down := &flow{in: w.serverDev, out: w.clientDev, from: serverIP, to: clientIP, last: -1}
				w.eventually(func() bool {
					for _, f := range []*flow{up, down} {
						f.take()
						f.send(1)
					}
					return up.got > 100 && down.got > 100 && recovered(w.client.Snapshot(), 2) && recovered(w.server.Snapshot(), 2)
				}, "packets pass between losses, and both ends have recovered from some")
				onWire.losing(nil)
				require.Empty(t, up.fault)
				require.Empty(t, down.fault)
				for _, from := range []netip.Addr{serverOuter, clientOuter} {
					require.Positive(t, onWire.count(from, ppp.ProtoCCP, resetRequest))
					require.Positive(t, onWire.count(from, ppp.ProtoCCP, resetAck))
				}

				w.settle()
				w.exchange(100)
				require.Zero(t, onWire.inClear())
				onWire.requireNoFault(t)
				w.stop()
			})
		}
	}
}

// recovered reports whether an end has asked for n resets, and has answered as many.
func recovered(s status.Snapshot, n uint64) bool {
	if len(s.Sessions) != 1 {
		return false
	}
	c := s.Sessions[0].MPPE.Counters
	return c["resets_asked"] >= n && c["resets_answered"] >= n
}

// TestStatelessMPPELosesOnlyWhatIsLost: each packet has its own key, so no other suffers, and
// nobody asks for a reset.
func TestStatelessMPPELosesOnlyWhatIsLost(t *testing.T) {
	for _, strength := range []int{40, 56} {
		t.Run(fmt.Sprintf("%d bits", strength), func(t *testing.T) {
			noLeaks(t)
			onWire := newWireTap()
			onWire.secret = [][]byte{marker}
			w := newWorld(t, onWire.use, withMPPE(ppp.MPPEPolicy{Mode: ppp.Require, Strengths: []int{strength}}, false))
			require.Equal(t, strength, w.waitUp().Encrypted)
			require.True(t, w.server.Snapshot().Sessions[0].MPPE.Stateless)
			w.exchange(50)

			var lost [2]int // data packets, from the server and from the client
			lose := seededLoss(0.05)
			onWire.losing(func(from netip.Addr, packet []byte) bool {
				h, payload, err := gre.Parse(packet)
				if err != nil || !h.HasSeq || !lose(from, packet) {
					return false
				}
				if proto, _, _ := ppp.ParseFrame(payload); proto != ppp.ProtoCompressed {
					return false
				}
				if from == serverOuter {
					lost[0]++
				} else {
					lost[1]++
				}
				return true
			})
			up := &flow{in: w.clientDev, out: w.serverDev, from: clientIP, to: serverIP, last: -1}
			down := &flow{in: w.serverDev, out: w.clientDev, from: serverIP, to: clientIP, last: -1}
			up.send(400)
			down.send(400)
			w.eventually(func() bool {
				up.take()
				down.take()
				onWire.mu.Lock()
				defer onWire.mu.Unlock()
				return down.got+lost[0] == 400 && up.got+lost[1] == 400
			}, "all that was not lost arrives")
			onWire.losing(nil)
			require.Empty(t, up.fault)
			require.Empty(t, down.fault)
			require.Positive(t, lost[0])
			require.Positive(t, lost[1])
			for _, from := range []netip.Addr{serverOuter, clientOuter} {
				require.Zero(t, onWire.count(from, ppp.ProtoCCP, resetRequest))
			}

			w.settle()
			w.exchange(50)
			require.Zero(t, onWire.inClear())
			onWire.requireNoFault(t)
			w.stop()
		})
	}
}
