package ppp

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stubborn makes an end behave like accel-ppp once it is up: it acknowledges what LCP, CCP or IPCP
// ask for, answers echoes if it may, and negotiates nothing anew.
func stubborn(t *testing.T, p *pair, e *end, echoes bool) {
	p.network = func(toServer bool, frame []byte) []time.Duration {
		proto, pkt := parse(t, frame)
		if toServer != (e == p.server) {
			return []time.Duration{time.Millisecond}
		}
		var code byte
		switch {
		case pkt.code == codeConfigureRequest:
			code = codeConfigureAck
		case proto == ProtoLCP && pkt.code == codeEchoRequest && echoes:
			code = codeEchoReply
			copy(pkt.data, []byte{1, 2, 3, 4})
		default:
			return nil
		}
		p.sent++
		p.wire = append(p.wire, delivery{at: p.now.Add(2 * time.Millisecond), order: p.sent, toServer: !toServer, frame: frameOf(proto, code, pkt.id, pkt.data)})
		return nil
	}
}

// TestAPeerThatDoesNotRenegotiate: where a part of the link has been closed by what may be forged,
// a peer that goes on with the old link costs a moment and no half minute, so that a client that
// reconnects is back at once.
func TestAPeerThatDoesNotRenegotiate(t *testing.T) {
	for name, c := range map[string]struct {
		proto  uint16
		code   byte
		data   []byte
		echoes bool
		within time.Duration
	}{
		"CCP Terminate-Request":                  {ProtoCCP, codeTerminateRequest, nil, true, 2 * time.Second},
		"CCP Configure-Request":                  {ProtoCCP, codeConfigureRequest, []byte{18, 6, 0, 0, 0, 0}, true, 2 * time.Second},
		"IPCP Terminate-Request":                 {ProtoIPCP, codeTerminateRequest, nil, true, 2 * time.Second},
		"CCP Terminate-Request, without echoes":  {ProtoCCP, codeTerminateRequest, nil, false, 10 * time.Second},
		"IPCP Configure-Request that gets a Nak": {ProtoIPCP, codeConfigureRequest, []byte{3, 6, 0, 0, 0, 0}, true, 10 * time.Second},
	} {
		for _, toServer := range []bool{false, true} {
			t.Run(name+map[bool]string{false: " to the client", true: " to the server"}[toServer], func(t *testing.T) {
				p := newPair(t, clientConfig(), serverConfig())
				p.open()
				p.run(10 * time.Second)
				p.requireUp(true)
				victim, peer := p.client, p.server
				if toServer {
					victim, peer = peer, victim
				}
				stubborn(t, p, peer, c.echoes)
				began := p.now
				victim.link.Input(p.now, frameOf(c.proto, c.code, 77, c.data))
				for len(eventsOf[Closing](victim)) == 0 {
					require.True(t, p.step(began.Add(time.Minute)), "the link ends: %#v", victim.events)
				}
				reason := only[Closing](victim).Reason
				assert.Equal(t, ClassTimeout, reason.Class)
				assert.True(t, reason.WasUp)
				t.Logf("it ends after %v: %s", p.now.Sub(began), reason)
				assert.LessOrEqual(t, p.now.Sub(began), c.within)
			})
		}
	}
}

// TestARenegotiationOnABadNetwork: a peer that does begin anew is not taken for one that does not,
// though two packets of each kind are lost on the way.
func TestARenegotiationOnABadNetwork(t *testing.T) {
	for seed := range uint64(200) {
		p := newPair(t, clientConfig(), serverConfig())
		p.open()
		p.run(10 * time.Second)
		p.requireUp(true)
		chance := testRand(seed)
		lost := make(map[string]int)
		p.network = func(toServer bool, frame []byte) []time.Duration {
			_, pkt := parse(t, frame)
			kind := fmt.Sprint(toServer, pkt.code)
			v := chance.Uint64()
			if v%2 == 0 && lost[kind] < 2 {
				lost[kind]++
				return nil
			}
			return []time.Duration{time.Millisecond + time.Duration(v>>32%20)*time.Millisecond}
		}
		p.client.link.Input(p.now, frameOf(ProtoIPCP, codeTerminateRequest, 77, nil))
		p.run(time.Minute)
		p.network = nil
		p.run(10 * time.Second)
		for _, e := range []*end{p.client, p.server} {
			for _, d := range eventsOf[LinkDown](e) {
				require.NotContains(t, d.Reason.Message, "goes on with the old one", "seed %d, lost: %v", seed, lost)
			}
		}
	}
}
