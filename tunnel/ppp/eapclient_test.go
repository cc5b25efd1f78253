package ppp

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// testChallenge is what servers of scripts ask.
const testChallenge = "0123456789abcdef"

// inEAP gives the link an EAP packet.
func (s *script) inEAP(code, id byte, data []byte) { s.in(ProtoEAP, code, id, data) }

// challengeRequest is the data of a Request with a challenge.
func challengeRequest(challenge string) []byte {
	return appendEAPMSCHAPv2(nil, chapChallenge, 2, appendChapValue(nil, []byte(challenge), "srv"))
}

// chapIn is the packet of CHAP in one of EAP.
func chapIn(t testing.TB, p packet) packet {
	raw, ok := MSCHAPv2InEAP(p.raw)
	require.True(t, ok, "%x", p.raw)
	in, err := parsePacket(raw)
	require.NoError(t, err)
	return in
}

// eapAnsweredClient is a client that has answered the challenge of Request 2, and the data of the
// Request that proves that the server knows the password.
func eapAnsweredClient(t testing.TB, cfg Config) (s *script, success []byte) {
	s = newScript(t, cfg)
	s.openLCP(wantsEAP)
	s.inEAP(eapRequest, 2, challengeRequest(testChallenge))
	return s, s.eapSuccessFor(testChallenge)
}

// eapSuccessFor takes the Response that was sent last, and proves that the server knows the
// password.
func (s *script) eapSuccessFor(challenge string) []byte {
	in := chapIn(s.t, s.expect(ProtoEAP, eapResponse))
	return appendEAPMSCHAPv2(nil, chapSuccess, in.id, successFor(s.t, in, challenge, testPassword))
}

// eapProvenClient has seen that proof in Request 3, and waits for EAP's own Success.
func eapProvenClient(t testing.TB) *script {
	cfg := eapOnly(clientConfig())
	cfg.IPv6 = true
	s, success := eapAnsweredClient(t, cfg)
	s.inEAP(eapRequest, 3, success)
	s.expect(ProtoEAP, eapResponse)
	s.quiet()
	return s
}

var eapStepNames = map[eapStep]string{eapAsked: "asked", eapAnswered: "answered", eapProven: "proven"}

// TestEAPClientTransitions is every kind of packet in every step: what is answered, and where that
// leads. "-" is no answer, "in" and "down" the end of the login.
func TestEAPClientTransitions(t *testing.T) {
	failure := appendEAPMSCHAPv2(nil, chapFailure, 2, []byte("E=691 R=0 C=000102030405060708090A0B0C0D0E0F V=3 M=no"))
	unproven := appendEAPMSCHAPv2(nil, chapSuccess, 2, []byte("S=0000000000000000000000000000000000000000 M=welcome"))
	packets := []struct {
		name string
		code byte
		id   byte
		data []byte // nil: the proof
		want [3]string
	}{
		// What each does in steps asked (Identity answered, id 1), answered (id 2), proven (id 3).
		{"Identity", eapRequest, 9, []byte{eapIdentity}, [3]string{"Identity asked", "Identity answered", "Identity proven"}},
		{"Notification", eapRequest, 9, []byte{eapNotification, 'x'}, [3]string{"Notification asked", "Notification answered", "Notification proven"}},
		{"Nak", eapRequest, 9, []byte{eapNak, 26}, [3]string{"- asked", "- answered", "- proven"}},
		{"MD5", eapRequest, 9, []byte{4, 1, 2}, [3]string{"Nak asked", "- answered", "- proven"}},
		{"TLS", eapRequest, 9, []byte{13, 0x20}, [3]string{"Nak asked", "- answered", "- proven"}},
		{"an expanded type", eapRequest, 9, []byte{254, 0, 0, 0, 0, 0, 0, 26}, [3]string{"Nak asked", "- answered", "- proven"}},
		{"no type", eapRequest, 9, []byte{}, [3]string{"- asked", "- answered", "- proven"}},
		{"Challenge", eapRequest, 9, challengeRequest("fedcba9876543210"), [3]string{"Response answered", "Response answered", "Response answered"}},
		{"Challenge of 15 bytes", eapRequest, 9, challengeRequest("fedcba987654321"), [3]string{"- asked", "- answered", "- proven"}},
		{"half a packet of MS-CHAPv2", eapRequest, 9, []byte{eapMSCHAPv2, chapChallenge, 9}, [3]string{"- asked", "- answered", "- proven"}},
		{"an unknown code of MS-CHAPv2", eapRequest, 9, appendEAPMSCHAPv2(nil, 7, 9, nil), [3]string{"- asked", "- answered", "- proven"}},
		{"proof", eapRequest, 9, nil, [3]string{"- asked", "Success proven", "Success proven"}},
		{"wrong proof", eapRequest, 9, unproven, [3]string{"- asked", "- down", "- down"}},
		{"refusal", eapRequest, 9, failure, [3]string{"- asked", "Failure down", "Failure down"}},
		{"EAP's Success", eapSuccess, 0, []byte{}, [3]string{"- asked", "- answered", "- in"}},
		{"EAP's Success as pppd counts", eapSuccess, 1, []byte{}, [3]string{"- asked", "- answered", "- in"}},
		{"EAP's Success three further on", eapSuccess, 3, []byte{}, [3]string{"- asked", "- answered", "- proven"}},
		{"EAP's Failure as pppd counts", eapFailure, 2, []byte{}, [3]string{"- down", "- down", "- down"}},
		{"EAP's Success under another number", eapSuccess, 77, []byte{}, [3]string{"- asked", "- answered", "- proven"}},
		{"EAP's Failure", eapFailure, 0, []byte{}, [3]string{"- down", "- down", "- down"}},
		{"EAP's Failure under another number", eapFailure, 77, []byte{}, [3]string{"- asked", "- answered", "- proven"}},
		{"a Response", eapResponse, 9, []byte{eapIdentity, 'x'}, [3]string{"- asked", "- answered", "- proven"}},
		{"an unknown code", 5, 9, []byte{1}, [3]string{"- asked", "- answered", "- proven"}},
	}
	for _, p := range packets {
		for step, want := range p.want {
			t.Run(p.name+" when "+eapStepNames[eapStep(step)], func(t *testing.T) {
				s := newScript(t, eapOnly(clientConfig()))
				s.openLCP(wantsEAP)
				s.inEAP(eapRequest, 1, []byte{eapIdentity})
				s.expect(ProtoEAP, eapResponse)
				last, proof := byte(1), appendEAPMSCHAPv2(nil, chapSuccess, 2, []byte("S=00"))
				if step > 0 {
					s.inEAP(eapRequest, 2, challengeRequest(testChallenge))
					last, proof = 2, s.eapSuccessFor(testChallenge)
				}
				if step > 1 {
					s.inEAP(eapRequest, 3, proof)
					last = 3
					s.expect(ProtoEAP, eapResponse)
				}
				s.quiet()
				data, id := p.data, p.id
				if data == nil {
					data = proof
				}
				if (p.code == eapSuccess || p.code == eapFailure) && id < 9 {
					id += last
				}
				before := *s.link.auth.(*eapClient)
				s.inEAP(p.code, id, data)
				assert.Equal(t, want, s.eapAnswer(id)+" "+s.eapOutcome())
				if strings.HasPrefix(want, "- ") && strings.HasSuffix(want, eapStepNames[eapStep(step)]) {
					st := s.link.Stats()
					assert.Equal(t, uint64(1), st.Malformed+st.WrongID+st.WrongPhase+st.UnknownCode, "what is not used is counted")
					assert.Equal(t, before.wait, s.link.auth.(*eapClient).wait, "and buys no time")
				}
			})
		}
	}
}

// eapAnswer names what was sent to the last Request.
func (s *script) eapAnswer(id byte) string {
	if s.next == len(s.frames) {
		return "-"
	}
	proto, p := parse(s.t, s.frames[s.next])
	if proto != ProtoEAP {
		return "-"
	}
	s.next++
	require.Equal(s.t, [2]byte{eapResponse, id}, [2]byte{p.code, p.id})
	if p.data[0] != eapMSCHAPv2 {
		return eapTypeNames[p.data[0]]
	}
	return chapCodes[p.data[1]]
}

// eapOutcome is where a client stands.
func (s *script) eapOutcome() string {
	switch {
	case len(eventsOf[AuthSucceeded](s.end)) > 0:
		return "in"
	case len(eventsOf[Closing](s.end)) > 0:
		return "down"
	}
	return eapStepNames[s.link.auth.(*eapClient).step]
}

func TestEAPClientReasons(t *testing.T) {
	start := func(t *testing.T) *script {
		s := newScript(t, eapOnly(clientConfig()))
		s.openLCP(wantsEAP)
		return s
	}
	failure := func(text string) func(*script) {
		return func(s *script) {
			s.inEAP(eapRequest, 2, challengeRequest(testChallenge))
			s.inEAP(eapRequest, 3, appendEAPMSCHAPv2(nil, chapFailure, 2, []byte(text)))
		}
	}
	for name, c := range map[string]struct {
		say  func(*script)
		want DownError
	}{
		"691": {failure("E=691 R=1 C=000102030405060708090A0B0C0D0E0F V=3 M=Denied"),
			DownError{Class: ClassAuth, Code: 691, Message: "authentication failed: 691: wrong user name or password (the server says: Denied)"}},
		"648, a new password is wanted": {failure("E=648 R=0 C=000102030405060708090A0B0C0D0E0F V=3 M="),
			DownError{Class: ClassAuth, Code: 648, Message: "authentication failed: 648: the password has expired"}},
		"text that is none, as of pppd for unknown users": {failure("\x00\x1b[2J\xff"),
			DownError{Class: ClassAuth, Message: "authentication failed: the server gave no reason we know (the server says: ??[2J?)"}},
		"a Failure without a number": {func(s *script) {
			s.inEAP(eapRequest, 2, challengeRequest(testChallenge))
			s.inEAP(eapFailure, 2, nil)
		}, DownError{Class: ClassAuth, Message: "authentication failed: wrong user name or password"}},
		"a Failure after the name": {func(s *script) {
			s.inEAP(eapRequest, 2, []byte{eapIdentity})
			s.inEAP(eapFailure, 2, nil)
		}, DownError{Class: ClassAuth, Message: "authentication failed: the server refuses the user without asking for the password"}},
		"a Failure after both proofs": {func(s *script) {
			s.inEAP(eapRequest, 2, challengeRequest(testChallenge))
			s.inEAP(eapRequest, 3, s.eapSuccessFor(testChallenge))
			s.inEAP(eapFailure, 3, nil)
		}, DownError{Class: ClassAuth, Message: "authentication failed: the server knows the password and does not let the account in"}},
		"no proof": {func(s *script) {
			s.inEAP(eapRequest, 2, challengeRequest(testChallenge))
			s.inEAP(eapRequest, 3, appendEAPMSCHAPv2(nil, chapSuccess, 2, []byte("M=hello")))
		}, DownError{Class: ClassAuth, Unproven: true, Message: "authentication failed: the server does not prove that it knows the password: its authenticator response is missing or malformed"}},
		"a Failure after TLS": {func(s *script) {
			s.inEAP(eapRequest, 2, []byte{13, 0x20})
			s.inEAP(eapFailure, 2, nil)
		}, DownError{Class: ClassPolicy, Message: "the server insists on EAP-TLS (type 13), which arc4 does not have: it has MS-CHAPv2, in CHAP and as EAP-MSCHAPv2 (type 26)"}},
		"PEAP again and again": {func(s *script) {
			for id := range byte(4) {
				s.inEAP(eapRequest, id, []byte{25, 0x21})
			}
		}, DownError{Class: ClassPolicy, Message: "the server insists on EAP-PEAP (type 25), which arc4 does not have: it has MS-CHAPv2, in CHAP and as EAP-MSCHAPv2 (type 26)"}},
		"MD5, then it leaves": {func(s *script) {
			s.inEAP(eapRequest, 2, []byte{4, 16})
			s.in(ProtoLCP, codeTerminateRequest, 3, nil)
		}, DownError{Class: ClassPolicy, Message: "the peer closed the link; it wants EAP-MD5 (type 4)"}},
		"Success without a proof, then it leaves": {func(s *script) {
			s.inEAP(eapRequest, 2, []byte{eapIdentity})
			s.inEAP(eapSuccess, 2, nil)
			s.in(ProtoLCP, codeTerminateRequest, 3, nil)
		}, DownError{Class: ClassPolicy, Message: "the peer closed the link; it wants to let us in without a proof that it knows the password"}},
		"an unknown type": {func(s *script) {
			s.inEAP(eapRequest, 2, []byte{99})
			s.inEAP(eapFailure, 3, nil)
		}, DownError{Class: ClassPolicy, Message: "the server insists on EAP of type 99, which arc4 does not have: it has MS-CHAPv2, in CHAP and as EAP-MSCHAPv2 (type 26)"}},
		"silence": {func(*script) {}, DownError{Class: ClassTimeout, Message: "the server asks for EAP authentication and sends no request"}},
		"silence after the name": {func(s *script) { s.inEAP(eapRequest, 2, []byte{eapIdentity}) },
			DownError{Class: ClassTimeout, Message: "the server begins EAP authentication and does not challenge us"}},
		"silence after the Response": {func(s *script) { s.inEAP(eapRequest, 2, challengeRequest(testChallenge)) },
			DownError{Class: ClassTimeout, Message: "the server does not answer our EAP-MSCHAPv2 response"}},
		"questions without end": {func(s *script) {
			for id := range 255 {
				s.inEAP(eapRequest, byte(id), []byte{eapIdentity})
			}
		}, DownError{Class: ClassPeer, Message: "the server sends one EAP request after another and comes to no end"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			c.say(s)
			s.wait(time.Minute)
			assert.Equal(t, &c.want, s.reason())
			assert.Empty(t, eventsOf[AuthSucceeded](s.end))
			if c.want.Class == ClassAuth {
				f := only[AuthFailed](s.end)
				assert.Equal(t, AuthFailed{User: testUser, Method: EAPMSCHAPv2, Code: c.want.Code, Unproven: c.want.Unproven,
					Message: strings.TrimPrefix(c.want.Message, "authentication failed: ")}, f)
			}
		})
	}
}

func TestEAPClientAnswers(t *testing.T) {
	t.Run("the name as configured", func(t *testing.T) {
		cfg := eapOnly(clientConfig())
		cfg.User = `CORP\lab`
		s := newScript(t, cfg)
		s.openLCP(wantsEAP)
		s.inEAP(eapRequest, 1, append([]byte{eapIdentity}, "who are you?"...))
		assert.Equal(t, "\x01CORP\\lab", string(s.expect(ProtoEAP, eapResponse).data))
		s.inEAP(eapRequest, 2, challengeRequest(testChallenge))
		_, name, _ := chapValue(chapIn(t, s.expect(ProtoEAP, eapResponse)).data)
		assert.Equal(t, `CORP\lab`, string(name))
	})
	t.Run("the same Request gets the same Response, of any kind", func(t *testing.T) {
		s := newScript(t, eapOnly(clientConfig()))
		s.openLCP(wantsEAP)
		for id, data := range [][]byte{{eapIdentity}, {eapNotification, 'x'}, {13, 0x20}, challengeRequest(testChallenge)} {
			s.inEAP(eapRequest, byte(id), data)
			first := s.expect(ProtoEAP, eapResponse)
			s.wait(time.Second)
			s.inEAP(eapRequest, byte(id), data)
			assert.Equal(t, first.raw, s.expect(ProtoEAP, eapResponse).raw)
		}
		assert.Equal(t, uint64(4), s.link.Stats().Repeated)
		assert.Len(t, eventsOf[Notice](s.end), 1)
	})
	t.Run("nothing is repeated unasked", func(t *testing.T) {
		s, _ := eapAnsweredClient(t, eapOnly(clientConfig()))
		s.wait(29 * time.Second)
		s.quiet()
	})
	t.Run("notices are cleaned and bounded", func(t *testing.T) {
		s := newScript(t, eapOnly(clientConfig()))
		s.openLCP(wantsEAP)
		for id := range byte(20) {
			s.inEAP(eapRequest, id, append([]byte{eapNotification}, "pay\x1b[2J\n"+strings.Repeat("x", 1000)...))
			assert.Equal(t, []byte{eapNotification}, s.expect(ProtoEAP, eapResponse).data)
		}
		notices := eventsOf[Notice](s.end)
		require.Len(t, notices, maxNotices)
		assert.Equal(t, "pay?[2J?"+strings.Repeat("x", 192), notices[0].Text)
	})
	t.Run("a Challenge that overtakes the Configure-Ack", func(t *testing.T) {
		s := newScript(t, eapOnly(clientConfig()))
		ours := s.expect(ProtoLCP, codeConfigureRequest)
		s.in(ProtoLCP, codeConfigureRequest, 1, wantsEAP)
		s.expect(ProtoLCP, codeConfigureAck)
		s.inEAP(eapRequest, 9, []byte{eapIdentity})
		s.quiet()
		s.in(ProtoLCP, codeConfigureAck, ours.id, ours.data)
		s.expect(ProtoEAP, eapResponse)
	})
	t.Run("asked again while the link is up, it answers, and changes no key", func(t *testing.T) {
		p := newPair(t, eapOnly(clientConfig()), eapOnly(serverConfig()))
		p.open()
		p.run(10 * time.Second)
		p.requireUp(true)
		creds, events := p.client.link.creds, len(p.client.events)
		p.client.onSend, p.client.frames = nil, nil
		s := &script{end: p.client, now: p.now}
		s.inEAP(eapRequest, 200, []byte{eapIdentity})
		s.expect(ProtoEAP, eapResponse)
		s.inEAP(eapRequest, 201, challengeRequest(testChallenge))
		s.inEAP(eapRequest, 202, s.eapSuccessFor(testChallenge))
		assert.Equal(t, []byte{eapMSCHAPv2, chapSuccess}, s.expect(ProtoEAP, eapResponse).data)
		for _, forged := range [][]byte{
			appendEAPMSCHAPv2(nil, chapSuccess, 2, []byte("S=00")), appendEAPMSCHAPv2(nil, chapFailure, 2, []byte("E=691 R=0")), {13, 0x20},
		} {
			s.inEAP(eapRequest, 203, forged)
		}
		s.inEAP(eapFailure, 202, nil)
		s.inEAP(eapSuccess, 202, nil)
		s.quiet()
		for id := range 100 {
			s.inEAP(eapRequest, byte(id), []byte{eapIdentity})
		}
		assert.LessOrEqual(t, len(s.frames), 3+rechallengeBurst)
		assert.Equal(t, creds, p.client.link.creds)
		s.wait(time.Hour)
		assert.Len(t, p.client.events, events)
	})
}

// TestEAPIsNoDowngrade: whoever sits between two ends that would speak MS-CHAPv2 can have them
// speak EAP, in which the same hashes prove the same; no other type of it, and nothing without
// encryption.
func TestEAPIsNoDowngrade(t *testing.T) {
	swap := func(frame, from, to []byte) []byte {
		if i := strings.Index(string(frame), string(from)); i >= 0 && len(from) == len(to) {
			return slices.Concat(frame[:i], to, frame[i+len(from):])
		}
		return frame
	}
	t.Run("types without keys are refused", func(t *testing.T) {
		for _, typ := range []byte{4, 5, 6, 13, 21, 25} {
			s := newScript(t, clientConfig())
			ours := s.expect(ProtoLCP, codeConfigureRequest)
			s.in(ProtoLCP, codeConfigureAck, ours.id, ours.data)
			s.in(ProtoLCP, codeConfigureRequest, 1, wantsEAP)
			assert.Equal(t, wantsMSCHAP, s.expect(ProtoLCP, codeConfigureNak).data)
			s.in(ProtoLCP, codeConfigureRequest, 2, wantsEAP)
			s.expect(ProtoLCP, codeConfigureAck)
			s.inEAP(eapRequest, 1, []byte{typ, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
			assert.Equal(t, []byte{eapNak, eapMSCHAPv2}, s.expect(ProtoEAP, eapResponse).data)
			s.inEAP(eapSuccess, 1, nil)
			s.in(ProtoIPCP, codeConfigureRequest, 1, []byte{3, 6, 10, 0, 0, 1})
			s.wait(time.Hour)
			assert.NotEqual(t, ClassAdmin, s.reason().Class)
			assert.Empty(t, eventsOf[AuthSucceeded](s.end))
		}
	})
	t.Run("encryption stays required", func(t *testing.T) {
		client, server := eapOnly(clientConfig()), eapOnly(serverConfig())
		server.MPPE.Mode = Off
		p := newPair(t, client, server)
		p.open()
		p.run(time.Minute)
		assert.Equal(t, ClassPolicy, p.client.reason().Class)
		assert.Empty(t, eventsOf[NetworkUp](p.client))
	})
	t.Run("a password that one of them does not know is none", func(t *testing.T) {
		p := newPair(t, eapOnly(clientConfig()), eapOnly(serverConfig()))
		p.network = func(_ bool, f []byte) []time.Duration {
			// The attacker says Success where the server said Failure.
			copy(f, swap(f, []byte{eapMSCHAPv2, chapFailure}, []byte{eapMSCHAPv2, chapSuccess}))
			return []time.Duration{time.Millisecond}
		}
		p.client.link.cfg.Password = "other"
		p.open()
		p.run(time.Minute)
		assert.True(t, p.client.reason().Unproven)
		assert.Equal(t, ClassAuth, p.server.reason().Class)
	})
}
