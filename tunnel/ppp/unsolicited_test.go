package ppp

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unasked are the answers that an open protocol can get without having asked, made from the last
// packet of ours.
var unasked = map[string]func(ours packet, id byte) (code byte, data []byte){
	"Configure-Ack":            func(ours packet, id byte) (byte, []byte) { return codeConfigureAck, ours.data },
	"empty Configure-Ack":      func(packet, byte) (byte, []byte) { return codeConfigureAck, nil },
	"Configure-Nak":            func(ours packet, id byte) (byte, []byte) { return codeConfigureNak, ours.data },
	"Configure-Reject":         func(ours packet, id byte) (byte, []byte) { return codeConfigureReject, ours.data },
	"Terminate-Ack":            func(packet, byte) (byte, []byte) { return codeTerminateAck, nil },
	"Code-Reject of a request": func(ours packet, _ byte) (byte, []byte) { return codeCodeReject, ours.raw },
	"Code-Reject of nothing": func(_ packet, id byte) (byte, []byte) {
		return codeCodeReject, []byte{codeConfigureRequest, id, 0, 4}
	},
	"Code-Reject of a Terminate-Request": func(_ packet, id byte) (byte, []byte) {
		return codeCodeReject, []byte{codeTerminateRequest, id, 0, 4}
	},
	"Code-Reject of an echo":    func(_ packet, id byte) (byte, []byte) { return codeCodeReject, []byte{codeEchoRequest, id, 0, 4} },
	"Code-Reject without a one": func(packet, byte) (byte, []byte) { return codeCodeReject, nil },
}

// TestAnswersToNothing: in an open protocol an answer that nothing was asked for is a counter,
// whatever RFC 1661's table makes of it, for anybody can forge one.
func TestAnswersToNothing(t *testing.T) {
	for protoName, proto := range map[string]uint16{"LCP": ProtoLCP, "CCP": ProtoCCP, "IPCP": ProtoIPCP, "IPV6CP": ProtoIPV6CP} {
		for name, forge := range unasked {
			for _, toServer := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s to server %t", protoName, name, toServer), func(t *testing.T) {
					p := bothNetworks(t, nil)
					p.run(10 * time.Second)
					p.requireUp(true)
					victim := p.client
					if toServer {
						victim = p.server
					}
					ours := victim.lastRequest(proto)
					events, before := len(victim.events), victim.link.Stats()
					for _, id := range []byte{ours.id, ours.id + 1, ours.id - 1} {
						code, data := forge(ours, id)
						victim.link.Input(p.now, frameOf(proto, code, id, data))
					}
					p.run(time.Hour)
					assert.Len(t, victim.events, events, "nothing happens")
					s := victim.link.Stats()
					counted := s.WrongID + s.Repeated + s.RejectsDisbelieved + s.Malformed - before.WrongID - before.Repeated - before.RejectsDisbelieved - before.Malformed
					assert.Equal(t, uint64(3), counted, "%+v", s)
				})
			}
		}
	}
}

// lastRequest is the last Configure-Request of a protocol that an end has sent.
func (e *end) lastRequest(proto uint16) packet {
	e.t.Helper()
	for i := len(e.frames) - 1; i >= 0; i-- {
		if got, p := parse(e.t, e.frames[i]); got == proto && p.code == codeConfigureRequest {
			return p
		}
	}
	require.Fail(e.t, "no request was sent")
	return packet{}
}

// TestEchoRepliesToNothing: an Echo-Reply that nothing was asked for is no sign of life.
func TestEchoRepliesToNothing(t *testing.T) {
	cfg := clientConfig()
	cfg.EchoInterval, cfg.EchoFailures, cfg.SetupTimeout = time.Second, 4, time.Hour
	s := newScript(t, cfg)
	s.openLCP(wantsMSCHAP)
	began := s.now
	for len(eventsOf[Closing](s.end)) == 0 {
		require.Less(t, s.now.Sub(began), time.Minute)
		for id := range 256 {
			if !s.link.lcp.alive.asks(byte(id)) {
				s.in(ProtoLCP, codeEchoReply, byte(id), make([]byte, 4))
			}
		}
		s.wait(100 * time.Millisecond)
	}
	assert.Equal(t, 4*time.Second, s.now.Sub(began))
	assert.NotZero(t, s.link.Stats().WrongID)
}

// asks reports whether an Echo-Request of this identifier has no answer yet.
func (e *echoState) asks(id byte) bool {
	for i, at := range e.asked.at {
		if !at.IsZero() && e.asked.id[i] == id {
			return true
		}
	}
	return false
}

// TestQuotes: a reject must return what was sent, and may cut off its end.
func TestQuotes(t *testing.T) {
	var s sentPackets
	short := appendPacket(nil, codeConfigureRequest, 7, []byte{1, 4, 5, 0x78})
	long := appendPacket(nil, codeEchoReply, 8, make([]byte, 1000))
	s.add(short)
	s.add(long)
	for name, c := range map[string]struct {
		quoted []byte
		ours   bool
	}{
		"whole":                   {short, true},
		"with padding":            {append(append([]byte{}, short...), 0, 0), true},
		"cut":                     {short[:7], false},
		"another identifier":      {appendPacket(nil, codeConfigureRequest, 6, []byte{1, 4, 5, 0x78}), false},
		"another option":          {appendPacket(nil, codeConfigureRequest, 7, []byte{1, 4, 5, 0x79}), false},
		"long":                    {long, true},
		"long, cut to 32 bytes":   {long[:32], true},
		"long, cut to 31 bytes":   {long[:31], false},
		"nothing":                 {nil, false},
		"half a header":           {short[:3], false},
		"a length that is absurd": {[]byte{1, 7, 0, 3}, false},
	} {
		assert.Equal(t, c.ours, s.quotedBy(c.quoted), name)
	}
	for i := range byte(8) {
		s.add([]byte{codeEchoRequest, i, 0, 4})
	}
	assert.False(t, s.quotedBy(short), "the oldest is forgotten")
	assert.True(t, s.quotedBy([]byte{codeEchoRequest, 0, 0, 4}))
}

// TestEchoesReturnTheirNonce: what is in our Echo-Requests comes back in the answers, and is known
// to nobody else.
func TestEchoesReturnTheirNonce(t *testing.T) {
	cfg := clientConfig()
	cfg.EchoInterval = time.Second
	p := newPair(t, cfg, serverConfig())
	p.open()
	p.run(10 * time.Second)
	p.requireUp(true)
	p.server.frames = nil
	p.run(10 * time.Second)
	nonce := only[NetworkUp](p.client).EchoNonce
	require.NotZero(t, nonce)
	require.NotEqual(t, nonce, only[NetworkUp](p.server).EchoNonce)
	require.NotEmpty(t, p.server.frames)
	for _, f := range p.server.frames {
		got, ok := EchoNonce(f)
		require.True(t, ok, "%x", f)
		require.Equal(t, nonce, got)
	}
	for _, f := range p.client.frames {
		_, ok := EchoNonce(f)
		require.False(t, ok, "a request proves nothing")
	}
}
