package tunnel

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestLoggedInElsewhereIsFinal: of two clients of one user who may have one session, the later one
// stays, and the other does not come back to kick it out.
func TestLoggedInElsewhereIsFinal(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.SessionsPerUser = 1 })
	reconnect := func(c *ClientConfig) { c.Reconnect = true }
	first := s.guest("127.0.0.3", reconnect)
	first.waitUp()
	second := s.guest("127.0.0.4", reconnect)
	second.waitUp()
	err := first.waitEnd()
	assert.Equal(t, ClassReplaced, ClassOf(err))
	assert.EqualError(t, err, "the server ended this session because the user has logged in again elsewhere, and it allows no more sessions at once")
	s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 1 }, "one session is left")
	second.exchange(20)
	assert.Empty(t, second.down)
	second.quit()
	s.empty()
	s.close()
}

// TestLoggedInElsewhereIsHeardOverTCPAlone: it needs no packet of GRE, which the server may have
// lost the client by.
func TestLoggedInElsewhereIsHeardOverTCPAlone(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.SessionsPerUser = 1 })
	first := s.guest("127.0.0.3", func(c *ClientConfig) { c.Reconnect = true })
	first.waitUp()
	s.net.passing(func(from, to netip.Addr, _ []byte) bool { return from != first.outer && to != first.outer })
	second := s.guest("127.0.0.4", nil)
	second.waitUp()
	assert.Equal(t, ClassReplaced, ClassOf(first.waitEnd()))
	second.quit()
	s.empty()
	s.close()
}

// forge gives a client a GRE packet with the right call ID and a near number, as if the server had
// sent it.
func (g *guest) forge(ahead uint32, frame []byte) {
	g.client.mu.Lock()
	s := g.client.session
	g.client.mu.Unlock()
	number := uint32(s.Snapshot().Counters["sequence_in"]) + ahead
	g.net.Arrive(serverOuter, g.outer, grePacket(s.CallID(), number, frame))
}

// TestForgedFramesDoNotEndReconnect: whoever forges what he likes at a tunnel that is up may have
// to be waited for, but does not end a client that is to come back.
func TestForgedFramesDoNotEndReconnect(t *testing.T) {
	challenge := append([]byte{16}, append(bytes.Repeat([]byte{0x5A}, 16), "evil"...)...)
	for _, c := range []struct {
		name   string
		frames [][]byte
	}{
		{"LCP Terminate-Request that says the user has logged in again", [][]byte{controlFrame(ppp.ProtoLCP, 5, 1, []byte(loggedInAgain))}},
		{"LCP Terminate-Request", [][]byte{controlFrame(ppp.ProtoLCP, 5, 1, nil)}},
		{"LCP Terminate-Request with a RAS error", [][]byte{controlFrame(ppp.ProtoLCP, 5, 1, []byte{1, 2, 3, 4, 0x00, 0x3C, 0xCD, 0x74, 0, 0, 2, 0xB3})}},
		{"CCP Terminate-Request", [][]byte{controlFrame(ppp.ProtoCCP, 5, 1, nil)}},
		{"CCP Terminate-Ack", [][]byte{controlFrame(ppp.ProtoCCP, 6, 1, nil)}},
		{"CCP Configure-Request", [][]byte{controlFrame(ppp.ProtoCCP, 1, 77, nil)}},
		{"Protocol-Reject of CCP", [][]byte{controlFrame(ppp.ProtoLCP, 8, 1, []byte{0x80, 0xFD, 1, 1, 0, 4})}},
		{"Protocol-Reject of IPCP", [][]byte{controlFrame(ppp.ProtoLCP, 8, 1, []byte{0x80, 0x21, 1, 1, 0, 4})}},
		{"Code-Reject of Configure-Request", [][]byte{controlFrame(ppp.ProtoLCP, 7, 1, []byte{1, 1, 0, 4})}},
		{"CHAP Challenge and Failure", [][]byte{
			controlFrame(ppp.ProtoCHAP, 1, 200, challenge),
			controlFrame(ppp.ProtoCHAP, 4, 200, []byte("E=691 R=0 C=00000000000000000000000000000000 V=3 M=no")),
		}},
		{"CHAP Challenge and a Success without proof", [][]byte{
			controlFrame(ppp.ProtoCHAP, 1, 200, challenge), controlFrame(ppp.ProtoCHAP, 3, 200, []byte("S=00")),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, nil)
			g := s.guest("127.0.0.3", func(c *ClientConfig) { c.Reconnect = true; c.restartTimer = 100 * time.Millisecond })
			g.waitUp()
			g.exchange(20)
			for i, f := range c.frames {
				g.forge(uint32(i)+1, f)
			}
			for range 10 { // as long as a verdict could take, if there is one
				select {
				case err := <-g.err:
					require.FailNow(t, "the client has ended for good", "%v", err)
				case <-g.down:
					g.waitUp()
				case <-time.After(20 * time.Millisecond):
				}
			}
			s.eventually(func() bool { return isUp(g.client.Snapshot()) && g.served() || len(g.err) > 0 }, "the tunnel is back")
			require.Empty(t, g.err)
			g.quit()
			s.empty()
			s.close()
		})
	}
}
