package ppp

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// interruptions are what ends or interrupts an open link, with what a peer that has not sent it
// gets to see of that.
var interruptions = map[string]struct {
	proto uint16
	code  byte
	data  []byte
	// idle: what becomes of a link on which no data flow to speak against it.
	idle string
}{
	"LCP Terminate-Request":    {ProtoLCP, codeTerminateRequest, []byte("go away"), "nothing"},
	"LCP Configure-Request":    {ProtoLCP, codeConfigureRequest, []byte{1, 4, 5, 0xDC}, "nothing"},
	"CCP Terminate-Request":    {ProtoCCP, codeTerminateRequest, nil, "nothing"},
	"CCP Configure-Request":    {ProtoCCP, codeConfigureRequest, []byte{18, 6, 0, 0, 0, 0}, "nothing"},
	"CCP the same request":     {ProtoCCP, codeConfigureRequest, []byte{18, 6, 1, 0, 0, 0x40}, "nothing"},
	"IPCP Terminate-Request":   {ProtoIPCP, codeTerminateRequest, nil, "again"},
	"IPCP Configure-Request":   {ProtoIPCP, codeConfigureRequest, []byte{3, 6, 10, 0, 0, 66}, "again"},
	"IPV6CP Terminate-Request": {ProtoIPV6CP, codeTerminateRequest, nil, "IPv4 stays"},
	"IPV6CP Configure-Request": {ProtoIPV6CP, codeConfigureRequest, []byte{1, 10, 0, 0, 0, 0, 0, 0, 0, 66}, "IPv4 stays"},
}

// TestInterruptionsThatThePeerHasNotSent: whoever is open answers an echo and sends data, and so
// has not sent what would end or interrupt the link.
func TestInterruptionsThatThePeerHasNotSent(t *testing.T) {
	for name, c := range interruptions {
		for _, toServer := range []bool{false, true} {
			for _, data := range []bool{false, true} {
				t.Run(name+map[bool]string{false: " to the client", true: " to the server"}[toServer]+map[bool]string{false: ", idle", true: ", data flow"}[data], func(t *testing.T) {
					p := bothNetworks(t, nil)
					p.run(10 * time.Second)
					p.requireUp(true)
					victim := p.client
					if toServer {
						victim = p.server
					}
					if data {
						victim.link.cfg.LastData = func() (ipv4, ipv6 time.Time) { return p.now, p.now }
					}
					events := len(victim.events)
					victim.link.Input(p.now, frameOf(c.proto, c.code, 77, c.data))
					p.run(time.Minute)
					require.Empty(t, eventsOf[LinkDown](victim), "the link stays")
					p.requireUp(true)
					switch {
					case c.idle == "IPv4 stays" && !data:
						require.Empty(t, eventsOf[NetworkDown](victim))
					case c.idle == "nothing", data:
						require.Len(t, victim.events, events)
						assert.Equal(t, uint64(1), victim.link.Stats().Forged)
					default:
						assert.Greater(t, len(victim.events), events)
						assert.Zero(t, victim.link.Stats().Forged)
					}
				})
			}
		}
	}
}

// TestInterruptionsThatThePeerMeans: a peer that has sent one is heard after a second at most, and
// sooner the sooner it answers; one that has closed a protocol the link cannot do without may have
// the whole link anew, with new keys.
func TestInterruptionsThatThePeerMeans(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*pair)
		down bool // the link ends
	}{
		"it ends the link":    {func(p *pair) { p.server.link.Close(p.now, "enough") }, true},
		"it starts LCP over":  {func(p *pair) { p.server.startOver(p.now, &p.server.link.lcp.automaton) }, false},
		"it starts CCP over":  {func(p *pair) { p.server.link.ccp.lonely(p.server.link, p.now, evRTA) }, false},
		"it closes CCP":       {func(p *pair) { p.server.link.ccp.lonely(p.server.link, p.now, evClose) }, false},
		"it starts IPCP over": {func(p *pair) { p.server.startOver(p.now, &p.server.link.ipcp.automaton) }, false},
		"it closes CCP, then all": {func(p *pair) {
			p.server.link.ccp.lonely(p.server.link, p.now, evClose)
			p.server.link.Close(p.now, "enough")
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, clientConfig(), serverConfig())
			p.open()
			p.run(10 * time.Second)
			p.requireUp(true)
			keys := only[EncryptionUp](p.client)
			c.do(p)
			p.run(maxDoubt)
			if c.down {
				assert.Equal(t, ClassPeer, p.client.reason().Class)
				assert.Contains(t, p.client.reason().Message, "enough")
				return
			}
			p.run(10 * time.Second)
			p.requireUp(true)
			all := eventsOf[EncryptionUp](p.client)
			if name != "it starts IPCP over" {
				require.Len(t, all, 2)
				assert.NotEqual(t, keys, all[1], "never the same keys again")
			}
		})
	}
}

// lonely lets a protocol of a link handle an event as if the link thought nothing of it.
func (c *ccp) lonely(l *Link, now time.Time, ev event) {
	done := l.enter(now)
	c.handle(ev)
	l.reason = nil // a link of ours would end with its encryption
	done()
}

// TestDoubtTakesNoLongerThanAnswers: the wait follows how long the peer takes to answer, within
// bounds.
func TestDoubtTakesNoLongerThanAnswers(t *testing.T) {
	for _, c := range []struct{ way, wait time.Duration }{
		{time.Millisecond, 200 * time.Millisecond},
		{40 * time.Millisecond, 320 * time.Millisecond},
		{2 * time.Second, time.Second},
	} {
		client := clientConfig()
		client.SetupTimeout = time.Hour
		server := serverConfig()
		server.SetupTimeout = time.Hour
		p := newPair(t, client, server)
		p.network = func(bool, []byte) []time.Duration { return []time.Duration{c.way} }
		p.open()
		p.run(5 * time.Minute)
		p.requireUp(true)
		p.network = func(bool, []byte) []time.Duration { return nil }
		p.client.link.Input(p.now, frameOf(ProtoLCP, codeTerminateRequest, 3, nil))
		p.run(c.wait - time.Nanosecond)
		require.Empty(t, eventsOf[Closing](p.client), "%v", c)
		p.run(time.Nanosecond)
		require.Len(t, eventsOf[Closing](p.client), 1, "%v", c)
	}
}

// TestTheCallSaysWhatThePeerMeant: a peer that ends the link and the call at once meant the first,
// and is quoted.
func TestTheCallSaysWhatThePeerMeant(t *testing.T) {
	p := newPair(t, clientConfig(), serverConfig())
	p.open()
	p.run(10 * time.Second)
	p.requireUp(true)
	p.client.link.Input(p.now, frameOf(ProtoLCP, codeTerminateRequest, 3, []byte("out of hours")))
	require.Empty(t, eventsOf[Closing](p.client))
	p.client.link.LowerDown(p.now)
	assert.Equal(t, &DownError{Class: ClassPeer, Message: `the peer closed the link: "out of hours"`, WasUp: true}, p.client.reason())
}

// TestFloodOfInterruptions: however many are forged, each kind waits in one place, and few echoes
// go out.
func TestFloodOfInterruptions(t *testing.T) {
	p := bothNetworks(t, nil)
	p.run(10 * time.Second)
	p.requireUp(true)
	out := p.client.link.Stats().FramesOut
	for i := range 1000 {
		for _, c := range interruptions {
			p.client.link.Input(p.now, frameOf(c.proto, c.code, byte(i), c.data))
		}
	}
	assert.LessOrEqual(t, p.client.link.Stats().FramesOut-out, uint64(10), "an echo, and Acks of what repeats the last request")
	p.run(time.Hour)
	p.requireUp(true)
	assert.LessOrEqual(t, len(eventsOf[NetworkUp](p.client)), 3)
}

// TestDataSpeakForTheirFamily: a peer that negotiates IPv4 anew may go on sending IPv6, and the
// other way round; what it sends of the same family it has sent before.
func TestDataSpeakForTheirFamily(t *testing.T) {
	for name, c := range map[string]struct {
		ipv6Flows bool // else IPv4 does
		automaton func(*Link) *automaton
		believed  bool
	}{
		"IPCP while IPv6 flows":   {true, func(l *Link) *automaton { return &l.ipcp.automaton }, true},
		"IPCP while IPv4 flows":   {false, func(l *Link) *automaton { return &l.ipcp.automaton }, false},
		"IPV6CP while IPv4 flows": {false, func(l *Link) *automaton { return &l.ipv6cp.automaton }, true},
		"IPV6CP while IPv6 flows": {true, func(l *Link) *automaton { return &l.ipv6cp.automaton }, false},
		"CCP while IPv6 flows":    {true, func(l *Link) *automaton { return &l.ccp.automaton }, false},
		"LCP while IPv6 flows":    {true, func(l *Link) *automaton { return &l.lcp.automaton }, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := bothNetworks(t, nil)
			p.run(10 * time.Second)
			p.requireUp(true)
			p.client.link.cfg.LastData = func() (ipv4, ipv6 time.Time) {
				if c.ipv6Flows {
					return epoch, p.now
				}
				return p.now, epoch
			}
			a := c.automaton(p.client.link)
			p.client.link.Input(p.now, frameOf(a.proto, codeTerminateRequest, 77, nil))
			events := len(p.client.events)
			p.run(maxDoubt)
			if !c.believed {
				require.Len(t, p.client.events, events)
				require.Equal(t, uint64(1), p.client.link.Stats().Forged)
				return
			}
			require.Greater(t, len(p.client.events), events)
			require.Zero(t, p.client.link.Stats().Forged)
			p.run(10 * time.Second)
			p.requireUp(true)
		})
	}
}

// TestForgedIPv6TakesNothingFromIPv4: however often IPv6 is made to start over, the budget for what
// the peer negotiates anew of the rest is untouched.
func TestForgedIPv6TakesNothingFromIPv4(t *testing.T) {
	for _, code := range []byte{codeConfigureRequest, codeTerminateRequest} {
		p := bothNetworks(t, nil)
		p.run(10 * time.Second)
		p.requireUp(true)
		for i := range 10 * changeBurst {
			p.client.link.Input(p.now, frameOf(ProtoIPV6CP, code, byte(i), []byte{1, 10, 0, 0, 0, 0, 0, 0, byte(i), 66}))
			p.run(time.Second)
		}
		require.NotZero(t, p.client.link.Stats().TooOften, "IPv6's own is used up")
		over := len(eventsOf[NetworkDown](p.client))
		p.server.startOver(p.now, &p.server.link.lcp.automaton)
		p.run(10 * time.Second)
		require.Len(t, eventsOf[NetworkDown](p.client), over+1, "the peer is heard")
		p.requireUp(true)
	}
}

// TestASecondForgedFrameEndsNothingEither: at no moment of a negotiation that one forged frame has
// begun does another end the link.
func TestASecondForgedFrameEndsNothingEither(t *testing.T) {
	for name, second := range interruptions {
		for _, toServer := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s to the server %t", name, toServer), func(t *testing.T) {
				t.Parallel()
				for after := 195 * time.Millisecond; after < 440*time.Millisecond; after += time.Millisecond / 2 {
					if after == 240*time.Millisecond {
						after = 395 * time.Millisecond // the peer doubts meanwhile
					}
					p := bothNetworks(t, nil)
					p.run(10 * time.Second)
					p.requireUp(true)
					victim := p.client
					if toServer {
						victim = p.server
					}
					victim.link.Input(p.now, frameOf(ProtoIPCP, codeTerminateRequest, 77, nil))
					p.run(after)
					victim.link.Input(p.now, frameOf(second.proto, second.code, 78, second.data))
					p.run(time.Minute)
					require.Empty(t, eventsOf[Closing](p.client), "after %v", after)
					require.Empty(t, eventsOf[Closing](p.server), "after %v", after)
					if name == "IPCP Configure-Request" {
						continue // whoever is first says what the peer's address is
					}
					p.requireUp(true)
				}
			})
		}
	}
}

// TestAnEndAmidANegotiation: a peer that means to end the link while it is negotiated anew is heard
// after two seconds at most.
func TestAnEndAmidANegotiation(t *testing.T) {
	for after := 200 * time.Millisecond; after < 240*time.Millisecond; after += time.Millisecond / 2 {
		p := bothNetworks(t, nil)
		p.run(10 * time.Second)
		p.requireUp(true)
		p.client.link.Input(p.now, frameOf(ProtoIPCP, codeTerminateRequest, 77, nil))
		p.run(after)
		p.server.link.Close(p.now, "enough")
		p.run(2 * maxDoubt)
		require.Contains(t, p.client.reason().Message, "enough", "after %v", after)
	}
}

// TestCCPIsAskedAsWell: what decides about a forged CCP request in an idle link is whether
// Reset-Acks come, as from a peer whose CCP is open. Who knows no Reset-Request is believed to have
// sent it, and a stateful link is not asked: a reset there makes two packets share a key stream
// (RFC 3078 section 9).
func TestCCPIsAskedAsWell(t *testing.T) {
	for name, c := range map[string]struct {
		stateful StatefulMode
		acks     int // how many of the answers arrive
		asked    bool
		stays    bool
	}{
		"it answers":             {StatefulNever, 3, true, true},
		"one answer arrives":     {StatefulNever, 1, true, true},
		"it does not answer":     {StatefulNever, 0, true, false},
		"stateful, it would":     {StatefulRequired, 3, false, false},
		"stateful, it would not": {StatefulRequired, 0, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := clientConfig(), serverConfig()
			client.MPPE.Stateful, server.MPPE.Stateful = c.stateful, c.stateful
			p := newPair(t, client, server)
			p.open()
			p.run(10 * time.Second)
			p.requireUp(true)
			asked, acks := 0, 0
			p.network = func(toServer bool, frame []byte) []time.Duration {
				proto, pkt := parse(t, frame)
				switch {
				case proto != ProtoCCP:
				case pkt.code == codeResetRequest:
					asked++
				case pkt.code == codeResetAck:
					if acks++; acks <= 3-c.acks {
						return nil // the first are lost
					}
				}
				return []time.Duration{time.Millisecond}
			}
			p.client.link.Input(p.now, frameOf(ProtoCCP, codeTerminateRequest, 77, nil))
			p.run(10 * time.Second)
			p.requireUp(true)
			require.Equal(t, c.asked, asked > 0)
			require.LessOrEqual(t, asked, probes)
			require.Equal(t, c.stays, len(eventsOf[NetworkDown](p.client)) == 0)
			require.Equal(t, c.stays, p.client.link.Stats().Forged == 1)
			require.Empty(t, eventsOf[ResetRequested](p.server), "nothing is reset")
		})
	}
}
