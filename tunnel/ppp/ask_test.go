package ppp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// askedPair is a link that is up, and notes when the client sent Echo-Requests.
func askedPair(t *testing.T, change func(*Config)) (p *pair, echoes func() []time.Duration) {
	t.Helper()
	cfg := clientConfig()
	cfg.EchoInterval = time.Minute
	change(&cfg)
	p = newPair(t, cfg, serverConfig())
	p.open()
	p.run(10 * time.Second)
	p.requireUp(true)
	start := p.now
	var at []time.Duration
	p.network = func(toServer bool, f []byte) []time.Duration {
		if toServer && isEchoRequest(t, f) {
			at = append(at, p.now.Sub(start))
		}
		return []time.Duration{time.Millisecond}
	}
	return p, func() []time.Duration { return at }
}

// TestAsk: the answer to the owner's question is told once, and that to no other.
func TestAsk(t *testing.T) {
	p, echoes := askedPair(t, func(*Config) {})
	p.client.link.Ask(p.now)
	p.run(10 * time.Second)
	assert.Equal(t, []time.Duration{0}, echoes())
	assert.Len(t, eventsOf[CaughtUp](p.client), 1)
	p.run(5 * time.Minute)
	assert.Greater(t, len(echoes()), 2, "those of the keep-alive")
	assert.Len(t, eventsOf[CaughtUp](p.client), 1)
	assert.Empty(t, eventsOf[CaughtUp](p.server))
	p.requireUp(true)
}

// TestProve asks for a sign of life at once and every second, and ends the link without one.
func TestProve(t *testing.T) {
	lost := func(bool, []byte) []time.Duration { return nil }
	for _, c := range []struct {
		name    string
		change  func(*Config)
		network func(bool, []byte) []time.Duration // nil: all arrives
		data    bool                               // the peer's data do
		ends    bool
	}{
		{"it answers", func(*Config) {}, nil, false, false},
		{"it is silent", func(*Config) {}, lost, false, true},
		{"its data come", func(*Config) {}, lost, true, false},
		{"the keep-alive is off", func(c *Config) { c.EchoInterval = -1 }, lost, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, echoes := askedPair(t, c.change)
			var sent []time.Duration
			start := p.now
			if c.network != nil {
				p.network = func(toServer bool, f []byte) []time.Duration {
					if toServer && isEchoRequest(t, f) {
						sent = append(sent, p.now.Sub(start))
					}
					return c.network(toServer, f)
				}
			}
			if c.data {
				p.client.link.cfg.LastData = func() (ipv4, ipv6 time.Time) { return start.Add(1500 * time.Millisecond), time.Time{} }
			}
			p.client.link.Prove(p.now, 2500*time.Millisecond, "since this machine woke up")
			p.run(2500*time.Millisecond - 1)
			require.Empty(t, eventsOf[Closing](p.client))
			p.run(1)
			if !c.ends {
				p.run(10 * time.Second)
				p.requireUp(true)
				assert.LessOrEqual(t, len(sent)+len(echoes()), 2)
				return
			}
			reason := only[Closing](p.client).Reason
			assert.Equal(t, ClassTimeout, reason.Class)
			assert.Equal(t, "the peer is gone: no LCP echo was answered in 2.5s since this machine woke up", reason.Message)
			assert.Equal(t, []time.Duration{0, time.Second, 2 * time.Second}, sent)
		})
	}
}

// TestAskingInVain: a link that is not open, or has ended, asks nothing.
func TestAskingInVain(t *testing.T) {
	s := newScript(t, clientConfig())
	s.skip()
	s.link.Ask(s.now)
	s.link.Prove(s.now, time.Second, "")
	s.quiet()
	s.link.LowerDown(s.now)
	s.link.Ask(s.now)
	s.link.Prove(s.now, time.Second, "")
	s.quiet()
}
