package ppp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// deafAtFirst is a network that loses the first frame of a protocol on the way to the server: its
// layer is not up yet.
func deafAtFirst(proto uint16) func(bool, []byte) []time.Duration {
	lost := false
	return func(toServer bool, frame []byte) []time.Duration {
		if got, _, err := ParseFrame(frame); err == nil && got == proto && toServer && !lost {
			lost = true
			return nil
		}
		return []time.Duration{time.Millisecond}
	}
}

// TestNoTimerInASetUp: a peer whose layer comes up after our first request has come (accel-ppp)
// says by its own request that ours may go again; nothing waits for a restart timer.
func TestNoTimerInASetUp(t *testing.T) {
	for name, proto := range map[string]uint16{"": 0, "LCP": ProtoLCP, "CCP": ProtoCCP, "IPCP": ProtoIPCP, "IPV6CP": ProtoIPV6CP} {
		t.Run("deaf to "+name, func(t *testing.T) {
			p := bothNetworks(t, deafAtFirst(proto))
			p.run(100 * time.Millisecond)
			p.requireUp(true)
			for _, e := range []*end{p.client, p.server} {
				assert.True(t, only[NetworkUp](e).RemoteIPv6.IsValid())
				assert.Zero(t, e.link.Stats().Retransmissions)
			}
		})
	}
}

// TestRequestGoesAgainOnce: at once, once, and before the answer to the peer's request, which might
// open it.
func TestRequestGoesAgainOnce(t *testing.T) {
	s := newScript(t, clientConfig())
	first := s.expect(ProtoLCP, codeConfigureRequest)
	s.in(ProtoLCP, codeConfigureRequest, 1, wantsMSCHAP)
	again := s.expect(ProtoLCP, codeConfigureRequest)
	assert.Equal(t, first.raw, again.raw, "the same identifier, so that either answer counts")
	s.expect(ProtoLCP, codeConfigureAck)
	s.in(ProtoLCP, codeConfigureRequest, 2, appendOption(wantsMSCHAP, lcpOptPFC, nil))
	s.expect(ProtoLCP, codeConfigureAck)
	s.quiet()
	assert.Equal(t, uint64(1), s.link.Stats().RequestsAgain)
}

// TestRequestThatWasAnsweredGoesNotAgain: nor does one that went out after the peer's request had
// come.
func TestRequestThatWasAnsweredGoesNotAgain(t *testing.T) {
	s := newScript(t, clientConfig())
	ours := s.expect(ProtoLCP, codeConfigureRequest)
	s.in(ProtoLCP, codeConfigureAck, ours.id, ours.data)
	s.in(ProtoLCP, codeConfigureRequest, 1, wantsMSCHAP)
	s.expect(ProtoLCP, codeConfigureAck)
	challenge := appendChapValue(nil, make([]byte, 16), "srv")
	s.in(ProtoCCP, codeConfigureRequest, 1, bits(mppeStateless|mppe128)) // early, and held
	s.in(ProtoCHAP, chapChallenge, 9, challenge)
	response := s.expect(ProtoCHAP, chapResponse)
	s.in(ProtoCHAP, chapSuccess, 9, successFor(t, response, string(make([]byte, 16)), testPassword))
	s.expect(ProtoCCP, codeConfigureRequest)
	require.NotEmpty(t, s.frames[s.next:])
	_, p := parse(t, s.frames[s.next])
	assert.Equal(t, byte(codeConfigureAck), p.code)
	assert.Zero(t, s.link.Stats().RequestsAgain)
}

// TestProtocolRejectThatQuotesNothing: accel-ppp turns IPV6CP and CCP down with the number of the
// protocol alone. While the link is set up that is believed at once, of a protocol in which it has
// said nothing; nothing waits for a timer.
func TestProtocolRejectThatQuotesNothing(t *testing.T) {
	for name, proto := range map[string]uint16{"IPV6CP": ProtoIPV6CP, "CCP": ProtoCCP} {
		t.Run(name, func(t *testing.T) {
			client, server := clientConfig(), serverConfig()
			client.IPv6, server.IPv6 = true, proto != ProtoIPV6CP
			client.MPPE.Mode, server.MPPE.Mode = Allow, Allow
			if proto == ProtoCCP {
				server.MPPE.Mode = Off
			}
			p := newPair(t, client, server)
			p.network = func(toServer bool, frame []byte) []time.Duration {
				if got, packet := parse(t, frame); !toServer && got == ProtoLCP && packet.code == codeProtocolReject {
					short := frameOf(ProtoLCP, codeProtocolReject, packet.id, packet.data[:2])
					p.client.link.Input(p.now, short)
					return nil
				}
				return []time.Duration{time.Millisecond}
			}
			p.open()
			p.run(100 * time.Millisecond)
			p.requireUp(proto != ProtoCCP)
			assert.Equal(t, proto != ProtoIPV6CP, only[NetworkUp](p.client).LocalIPv6.IsValid())
			assert.Zero(t, p.client.link.Stats().Retransmissions)
			assert.Zero(t, p.client.link.Stats().RejectsDisbelieved)
		})
	}
}
