package ppp

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAPeerThatIsGoneIsNoticedInTime: EchoFailures times EchoInterval after its last sign of life,
// whether that was an echo or data.
func TestAPeerThatIsGoneIsNoticedInTime(t *testing.T) {
	for _, c := range []struct {
		interval time.Duration
		failures int
	}{{3 * time.Second, 4}, {30 * time.Second, 4}, {5 * time.Second, 1}, {time.Second, 2}, {100 * time.Millisecond, 3}} {
		for _, sign := range []string{"echo", "data"} {
			t.Run(fmt.Sprintf("%v times %d after %s", c.interval, c.failures, sign), func(t *testing.T) {
				cfg := clientConfig()
				cfg.EchoInterval, cfg.EchoFailures = c.interval, c.failures
				cfg.SetupTimeout, cfg.RestartTimer = 100*time.Hour, 100*time.Hour
				var data time.Time
				cfg.LastData = func() (ipv4, ipv6 time.Time) { return data, time.Time{} }
				s := newScript(t, cfg)
				s.openLCP(wantsMSCHAP)
				s.in(ProtoCHAP, chapChallenge, 1, appendChapValue(nil, make([]byte, 16), ""))
				response := s.expect(ProtoCHAP, chapResponse)
				s.in(ProtoCHAP, chapSuccess, 1, successFor(t, response, string(make([]byte, 16)), testPassword))
				for range 10 { // it lives, with some of its answers lost
					s.wait(c.interval * time.Duration(c.failures) * 2 / 3)
					data = s.now
				}
				if sign == "echo" {
					s.skip()
					for len(s.frames) == s.next || !isEchoRequest(t, s.frames[len(s.frames)-1]) {
						require.Empty(t, eventsOf[Closing](s.end))
						s.wait(10 * time.Millisecond)
					}
					_, p := parse(t, s.frames[len(s.frames)-1])
					s.in(ProtoLCP, codeEchoReply, p.id, make([]byte, 4))
				}
				last, echoes := s.now, 0
				s.skip()
				s.wait(c.interval*time.Duration(c.failures) - time.Nanosecond)
				require.Empty(t, eventsOf[Closing](s.end))
				for _, f := range s.frames[s.next:] {
					if isEchoRequest(t, f) {
						echoes++
					}
				}
				assert.Equal(t, c.failures, echoes)
				s.wait(time.Nanosecond)
				assert.Equal(t, ClassTimeout, only[Closing](s.end).Reason.Class)
				s.wait(terminateTimer) // it is silent already: one Terminate-Request will do
				assert.Equal(t, c.interval*time.Duration(c.failures)+terminateTimer, s.now.Sub(last))
				s.reason()
			})
		}
	}
}

func isEchoRequest(t *testing.T, frame []byte) bool {
	proto, p := parse(t, frame)
	return proto == ProtoLCP && p.code == codeEchoRequest
}

// TestDataAreASignOfLife: a peer whose echoes are all lost is not gone while its data come.
func TestDataAreASignOfLife(t *testing.T) {
	client := clientConfig()
	client.EchoInterval = time.Second
	p := newPair(t, client, serverConfig())
	p.open()
	p.run(10 * time.Second)
	p.requireUp(true)
	p.network = func(bool, []byte) []time.Duration { return nil }
	p.client.link.cfg.LastData = func() (ipv4, ipv6 time.Time) { return p.now, p.now }
	p.run(time.Hour)
	p.requireUp(true)
	p.client.link.cfg.LastData = nil
	p.run(5 * time.Second)
	assert.Equal(t, ClassTimeout, p.client.reason().Class)
}

// TestASleepersPeerIsNotGone: who was stopped for longer than the peer may be silent gives it the
// rest of its time.
func TestASleepersPeerIsNotGone(t *testing.T) {
	client := clientConfig()
	client.EchoInterval = time.Second
	p := newPair(t, client, serverConfig())
	p.open()
	p.run(10 * time.Second)
	p.requireUp(true)
	p.now = p.now.Add(time.Hour)
	p.client.link.Tick(p.now)
	p.run(time.Minute)
	p.requireUp(true)
}
