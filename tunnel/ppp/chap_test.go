package ppp

import (
	"slices"
	"testing"
	"time"

	"github.com/arc4tun/arc4tun/internal/mschap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// challenged is a client that has been asked for MS-CHAPv2 and has answered.
func challenged(t *testing.T, cfg Config) (*script, packet) {
	s := newScript(t, cfg)
	s.openLCP(wantsMSCHAP)
	s.in(ProtoCHAP, chapChallenge, 9, appendChapValue(nil, []byte("0123456789abcdef"), "srv"))
	return s, s.expect(ProtoCHAP, chapResponse)
}

// successFor is the message a server that knows the password sends.
func successFor(t testing.TB, response packet, challenge, password string) []byte {
	value, name, ok := chapValue(response.data)
	require.True(t, ok)
	r, err := mschap.ParseResponse(value)
	require.NoError(t, err)
	hashHash := mschap.HashNTPasswordHash(mschap.NTPasswordHash(password))
	proof := mschap.AuthenticatorResponse(hashHash, r.NTResponse, r.PeerChallenge, [16]byte([]byte(challenge)), string(name))
	return mschap.Success{AuthenticatorResponse: proof}.AppendTo(nil)
}

func TestClientVerifiesTheServer(t *testing.T) {
	t.Run("right", func(t *testing.T) {
		s, response := challenged(t, clientConfig())
		s.in(ProtoCHAP, chapSuccess, 9, successFor(t, response, "0123456789abcdef", testPassword))
		assert.Equal(t, AuthSucceeded{User: testUser, Method: MSCHAPv2}, only[AuthSucceeded](s.end))
		assert.Equal(t, phaseNetwork, s.link.phase)
		s.expect(ProtoCCP, codeConfigureRequest)
		s.quiet()
	})
	for name, message := range map[string]func(packet) []byte{
		"wrong password": func(r packet) []byte { return successFor(t, r, "0123456789abcdef", "other") },
		"missing":        func(packet) []byte { return []byte("M=welcome") },
		"empty":          func(packet) []byte { return nil },
		"too short":      func(packet) []byte { return []byte("S=00") },
		"one bit wrong": func(r packet) []byte {
			m := successFor(t, r, "0123456789abcdef", testPassword)
			if m[2] == '0' {
				m[2] = '1'
			} else {
				m[2] = '0'
			}
			return m
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, response := challenged(t, clientConfig())
			s.in(ProtoCHAP, chapSuccess, 9, message(response))
			assert.Empty(t, eventsOf[AuthSucceeded](s.end))
			assert.Contains(t, only[AuthFailed](s.end).Message, "does not prove that it knows the password")
			s.wait(10 * time.Second)
			assert.Equal(t, ClassAuth, s.reason().Class)
		})
	}
	t.Run("a Success nobody asked for", func(t *testing.T) {
		s := newScript(t, clientConfig())
		s.openLCP(wantsMSCHAP)
		s.in(ProtoCHAP, chapSuccess, 0, nil)
		s.in(ProtoCHAP, chapFailure, 0, nil)
		assert.Empty(t, s.events)
	})
	t.Run("with another identifier", func(t *testing.T) {
		s, response := challenged(t, clientConfig())
		s.in(ProtoCHAP, chapSuccess, 8, successFor(t, response, "0123456789abcdef", testPassword))
		s.in(ProtoCHAP, chapFailure, 8, []byte("E=691"))
		assert.Empty(t, s.events)
	})
}

func TestClientFailures(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		code    int
		text    string
	}{
		"646":           {"E=646 R=0", 646, "authentication failed: 646: the account may not log on at this time of day"},
		"647":           {"E=647 R=0", 647, "authentication failed: 647: the account is disabled"},
		"648":           {"E=648 R=0", 648, "authentication failed: 648: the password has expired"},
		"649":           {"E=649 R=0", 649, "authentication failed: 649: the account has no permission to dial in"},
		"691":           {"E=691 R=1 C=000102030405060708090A0B0C0D0E0F V=3 M=Denied", 691, "authentication failed: 691: wrong user name or password (the server says: Denied)"},
		"709":           {"E=709 R=0", 709, "authentication failed: 709: the password could not be changed"},
		"unknown":       {"E=700", 700, "authentication failed: 700: the server gave no reason we know"},
		"our own words": {"E=691 R=0 C=000102030405060708090A0B0C0D0E0F V=3 M=wrong user name or password", 691, "authentication failed: 691: wrong user name or password"},
		"control text":  {"M=a\nb\x00", 0, "authentication failed: the server gave no reason we know (the server says: a?b?)"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := challenged(t, clientConfig())
			s.in(ProtoCHAP, chapFailure, 9, []byte(c.message))
			r := only[Closing](s.end).Reason
			assert.Equal(t, &DownError{Class: ClassAuth, Message: c.text, Code: c.code}, r)
		})
	}
}

func TestClientResponses(t *testing.T) {
	t.Run("repeated until there is an answer", func(t *testing.T) {
		s, first := challenged(t, clientConfig())
		s.wait(defaultRestartTimer)
		assert.Equal(t, first.raw, s.expect(ProtoCHAP, chapResponse).raw)
		s.wait(60 * time.Second)
		assert.Equal(t, ClassTimeout, s.reason().Class)
	})
	t.Run("the same challenge gets the same response", func(t *testing.T) {
		s, first := challenged(t, clientConfig())
		s.in(ProtoCHAP, chapChallenge, 9, appendChapValue(nil, []byte("0123456789abcdef"), "srv"))
		assert.Equal(t, first.raw, s.expect(ProtoCHAP, chapResponse).raw)
	})
	t.Run("malformed challenges are dropped", func(t *testing.T) {
		s := newScript(t, clientConfig())
		s.openLCP(wantsMSCHAP)
		for _, data := range [][]byte{nil, {0}, {16}, {16, 1, 2}, appendChapValue(nil, make([]byte, 15), ""), appendChapValue(nil, make([]byte, 17), "")} {
			s.in(ProtoCHAP, chapChallenge, 1, data)
		}
		s.quiet()
		assert.Equal(t, uint64(6), s.link.Stats().Malformed)
	})
	t.Run("a challenge that overtakes the Configure-Ack", func(t *testing.T) {
		s := newScript(t, clientConfig())
		ours := s.expect(ProtoLCP, codeConfigureRequest)
		s.in(ProtoLCP, codeConfigureRequest, 1, wantsMSCHAP)
		s.expect(ProtoLCP, codeConfigureAck)
		s.in(ProtoCHAP, chapChallenge, 9, appendChapValue(nil, make([]byte, 16), "srv"))
		s.quiet()
		s.in(ProtoLCP, codeConfigureAck, ours.id, ours.data)
		s.expect(ProtoCHAP, chapResponse)
	})
	t.Run("a rechallenge is answered and changes no key", func(t *testing.T) {
		p := newPair(t, clientConfig(), serverConfig())
		p.open()
		p.run(10 * time.Second)
		p.requireUp(true)
		creds, unasked := p.client.link.creds, p.client.link.Stats().WrongID
		p.client.onSend, p.client.frames = nil, nil
		p.client.link.Input(p.now, frameOf(ProtoCHAP, chapChallenge, 200, appendChapValue(nil, []byte("fedcba9876543210"), "srv")))
		_, response := parse(t, p.client.frames[0])
		p.client.link.Input(p.now, frameOf(ProtoCHAP, chapSuccess, 200, successFor(t, response, "fedcba9876543210", testPassword)))
		assert.Equal(t, creds, p.client.link.creds)
		assert.Len(t, eventsOf[AuthSucceeded](p.client), 1)
		assert.Empty(t, eventsOf[NetworkDown](p.client))
		p.client.link.Input(p.now, frameOf(ProtoCHAP, chapChallenge, 201, appendChapValue(nil, []byte("fedcba9876543211"), "srv")))
		p.client.link.Input(p.now, frameOf(ProtoCHAP, chapSuccess, 201, []byte("S=0000000000000000000000000000000000000000")))
		p.client.link.Input(p.now, frameOf(ProtoCHAP, chapFailure, 201, []byte("E=691 R=0")))
		p.run(time.Hour)
		assert.Empty(t, eventsOf[Closing](p.client), "who was taken once is not judged again, and waits for nothing")
		assert.Equal(t, unasked+3, p.client.link.Stats().WrongID)
	})
}

func TestServerCHAP(t *testing.T) {
	open := func(t *testing.T) (*script, packet) {
		s := newScript(t, serverConfig())
		s.openLCP(nil)
		return s, s.expect(ProtoCHAP, chapChallenge)
	}
	respond := func(t *testing.T, challenge packet, name, password string) []byte {
		value, _, ok := chapValue(challenge.data)
		require.True(t, ok)
		r := mschap.Response{PeerChallenge: [16]byte{1, 2, 3}}
		r.NTResponse = mschap.NTResponse([16]byte(value), r.PeerChallenge, name, mschap.NTPasswordHash(password))
		return appendChapValue(nil, r.AppendTo(nil), name)
	}
	t.Run("the challenge is repeated unchanged", func(t *testing.T) {
		s, first := open(t)
		s.wait(defaultRestartTimer)
		assert.Equal(t, first.raw, s.expect(ProtoCHAP, chapChallenge).raw)
	})
	t.Run("a repeated response gets the same success", func(t *testing.T) {
		s, challenge := open(t)
		data := respond(t, challenge, testUser, testPassword)
		s.in(ProtoCHAP, chapResponse, challenge.id, data)
		first := s.expect(ProtoCHAP, chapSuccess)
		s.skip()
		s.in(ProtoCHAP, chapResponse, challenge.id, data)
		assert.Equal(t, first.raw, s.expect(ProtoCHAP, chapSuccess).raw)
		s.in(ProtoCHAP, chapResponse, challenge.id, respond(t, challenge, "other", "other"))
		assert.Equal(t, first.raw, s.expect(ProtoCHAP, chapSuccess).raw, "and another one is not judged")
		only[AuthSucceeded](s.end)
	})
	t.Run("a failure says all that RFC 2759 wants", func(t *testing.T) {
		s, challenge := open(t)
		s.in(ProtoCHAP, chapResponse, challenge.id, respond(t, challenge, testUser, "wrong"))
		p := s.expect(ProtoCHAP, chapFailure)
		assert.Regexp(t, `^E=691 R=0 C=[0-9A-F]{32} V=3 M=.+`, string(p.data))
		s.expect(ProtoLCP, codeTerminateRequest)
		s.in(ProtoCHAP, chapResponse, challenge.id, respond(t, challenge, testUser, testPassword))
		assert.Empty(t, eventsOf[AuthSucceeded](s.end), "there is no second try")
	})
	t.Run("malformed and foreign responses are dropped", func(t *testing.T) {
		s, challenge := open(t)
		good := respond(t, challenge, testUser, testPassword)
		s.in(ProtoCHAP, chapResponse, challenge.id+1, good)
		for _, data := range [][]byte{nil, {0}, {49}, good[:20], append([]byte{48}, good[1:]...), append(slices.Clone(good), make([]byte, 300)...)} {
			s.in(ProtoCHAP, chapResponse, challenge.id, data)
		}
		s.in(ProtoPAP, papRequest, 1, []byte{3, 'l', 'a', 'b', 0})
		s.in(ProtoCHAP, chapChallenge, 1, good)
		s.quiet()
		assert.Empty(t, s.events)
	})
}

func TestPAPMessages(t *testing.T) {
	cfg := serverConfig()
	cfg.Auth, cfg.MPPE.Mode = []AuthMethod{PAP}, Off
	s := newScript(t, cfg)
	s.openLCP(nil)
	for _, data := range [][]byte{nil, {3}, {3, 'l', 'a', 'b'}, {3, 'l', 'a', 'b', 5, 'x'}, {255}} {
		s.in(ProtoPAP, papRequest, 1, data)
	}
	s.quiet()
	assert.Equal(t, uint64(5), s.link.Stats().Malformed)
	data := append(append([]byte{3}, "lab"...), append([]byte{byte(len(testPassword))}, testPassword...)...)
	s.in(ProtoPAP, papRequest, 1, data)
	s.expect(ProtoPAP, papAck)
	s.expect(ProtoIPCP, codeConfigureRequest)
	s.in(ProtoPAP, papRequest, 2, data)
	assert.Equal(t, byte(2), s.expect(ProtoPAP, papAck).id, "a lost answer is repeated")
	only[AuthSucceeded](s.end)
}
