package ppp

import (
	"strings"
	"testing"
	"time"

	"github.com/arc4tun/arc4tun/internal/mschap"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eapResponseTo is the data of a Response to a server's challenge.
func eapResponseTo(t testing.TB, request packet, name, password string) []byte {
	in := chapIn(t, request)
	value, _, ok := chapValue(in.data)
	require.True(t, ok)
	r := mschap.Response{PeerChallenge: [16]byte{1, 2, 3}}
	r.NTResponse = mschap.NTResponse([16]byte(value), r.PeerChallenge, name, mschap.NTPasswordHash(password))
	return appendEAPMSCHAPv2(nil, chapResponse, in.id, appendChapValue(nil, r.AppendTo(nil), name))
}

// eapChallengeOf has told a server a name, and has its challenge.
func eapChallengeOf(t testing.TB, cfg Config, identity string) (*script, packet) {
	s := newScript(t, eapOnly(cfg))
	s.openLCP(nil)
	p := s.expect(ProtoEAP, eapRequest)
	s.inEAP(eapResponse, p.id, append([]byte{eapIdentity}, identity...))
	return s, s.expect(ProtoEAP, eapRequest)
}

// eapServerAt brings a server to a stage.
func eapServerAt(t testing.TB, stage eapStage) *script {
	if stage == eapIdentifying {
		s := newScript(t, eapOnly(serverConfig()))
		s.openLCP(nil)
		s.expect(ProtoEAP, eapRequest)
		return s
	}
	s, request := eapChallengeOf(t, serverConfig(), testUser)
	if stage == eapChallenged {
		return s
	}
	password := testPassword
	if stage == eapRefusing {
		password = "other"
	}
	s.inEAP(eapResponse, request.id, eapResponseTo(t, request, testUser, password))
	p := s.expect(ProtoEAP, eapRequest)
	if stage == eapOver {
		s.inEAP(eapResponse, p.id, []byte{eapMSCHAPv2, chapSuccess})
		s.expect(ProtoEAP, eapSuccess)
		s.skip()
	}
	return s
}

// TestEAPServerTransitions is every kind of packet in every stage: what is answered, and where that
// leads.
func TestEAPServerTransitions(t *testing.T) {
	right := []byte(nil)
	stages := [5]string{"identifying", "challenged", "accepting", "refusing", "over"}
	stay := [5]string{"- identifying", "- challenged", "- accepting", "Failure down", "Success over"}
	none := [5]string{"- identifying", "- challenged", "- accepting", "- refusing", "- over"}
	with := func(of [5]string, stage eapStage, want string) [5]string {
		of[stage] = want
		return of
	}
	for _, c := range []struct {
		name  string
		code  byte
		other bool // another identifier than that of the Request
		data  []byte
		want  [5]string
	}{
		{"Identity", eapResponse, false, []byte{eapIdentity, 'x'}, with(stay, eapIdentifying, "Challenge challenged")},
		{"Identity without a name", eapResponse, false, []byte{eapIdentity}, with(stay, eapIdentifying, "Challenge challenged")},
		{"Identity of 256 bytes", eapResponse, false, append([]byte{eapIdentity}, strings.Repeat("x", 256)...), stay},
		{"Notification", eapResponse, false, []byte{eapNotification}, stay},
		{"Nak", eapResponse, false, []byte{eapNak, 13}, with(stay, eapChallenged, "Failure down")},
		{"Nak without a type", eapResponse, false, []byte{eapNak}, with(stay, eapChallenged, "Failure down")},
		{"the right Response", eapResponse, false, right, with(stay, eapChallenged, "Success accepting")},
		{"a wrong Response", eapResponse, false, appendEAPMSCHAPv2(nil, chapResponse, 0, appendChapValue(nil, make([]byte, mschap.ResponseLen), testUser)),
			with(stay, eapChallenged, "Failure refusing")},
		{"a Response of 48 bytes", eapResponse, false, appendEAPMSCHAPv2(nil, chapResponse, 0, appendChapValue(nil, make([]byte, 48), testUser)), stay},
		{"a Response with a name of 256 bytes", eapResponse, false,
			appendEAPMSCHAPv2(nil, chapResponse, 0, appendChapValue(nil, make([]byte, mschap.ResponseLen), strings.Repeat("x", 256))), stay},
		{"half a Response", eapResponse, false, []byte{eapMSCHAPv2, chapResponse, 1}, stay},
		{"a Challenge", eapResponse, false, appendEAPMSCHAPv2(nil, chapChallenge, 0, appendChapValue(nil, make([]byte, 16), testUser)), stay},
		{"acceptance", eapResponse, false, []byte{eapMSCHAPv2, chapSuccess}, with(stay, eapAccepting, "Success over")},
		{"doubt", eapResponse, false, []byte{eapMSCHAPv2, chapFailure}, with(stay, eapAccepting, "Failure down")},
		{"MD5", eapResponse, false, append([]byte{4, 16}, make([]byte, 16)...), stay},
		{"no type", eapResponse, false, []byte{}, none},
		{"anything under another number", eapResponse, true, []byte{eapIdentity, 'x'}, none},
		{"a Request", eapRequest, false, []byte{eapIdentity}, none},
		{"Success", eapSuccess, false, []byte{}, none},
		{"Failure", eapFailure, false, []byte{}, none},
		{"an unknown code", 6, false, []byte{1}, none},
	} {
		for stage := range eapStage(5) {
			t.Run(c.name+" when "+stages[stage], func(t *testing.T) {
				s := eapServerAt(t, stage)
				auth := s.link.auth.(*eapServer)
				data, before := c.data, s.link.Stats()
				if data == nil {
					data = []byte{eapMSCHAPv2, chapResponse, 0, 0, 4}
					if stage == eapChallenged {
						_, p := parse(t, s.frames[len(s.frames)-1])
						data = eapResponseTo(t, p, testUser, testPassword)
					}
				} else if len(data) > 5 && data[0] == eapMSCHAPv2 {
					data = append([]byte{}, data...)
					data[2] = auth.id
				}
				id := auth.id
				if c.other {
					id++
				}
				s.inEAP(c.code, id, data)
				got := "-"
				if proto, p := parse(t, s.frames[min(s.next, len(s.frames)-1)]); s.next < len(s.frames) && proto == ProtoEAP {
					got = map[byte]string{eapSuccess: "Success", eapFailure: "Failure"}[p.code]
					if p.code == eapRequest {
						got = chapCodes[chapIn(t, p).code]
					}
				}
				state := stages[auth.stage]
				if len(eventsOf[Closing](s.end)) > 0 {
					state = "down"
				}
				assert.Equal(t, c.want[stage], got+" "+state)
				after := s.link.Stats()
				if strings.HasPrefix(c.want[stage], "- ") {
					assert.Equal(t, before.Malformed+before.WrongID+before.WrongPhase+1, after.Malformed+after.WrongID+after.WrongPhase, "what is not used is counted")
				}
			})
		}
	}
}

func TestEAPServer(t *testing.T) {
	t.Run("each Request is repeated unchanged, ten times", func(t *testing.T) {
		for _, stage := range []eapStage{eapIdentifying, eapChallenged, eapAccepting} {
			s := eapServerAt(t, stage)
			first := s.frames[len(s.frames)-1]
			for range maxConfigure - 1 {
				s.wait(defaultRestartTimer)
				_, p := parse(t, first)
				assert.Equal(t, p.raw, s.expect(ProtoEAP, eapRequest).raw)
			}
			s.wait(time.Minute)
			assert.Equal(t, &DownError{Class: ClassTimeout, Message: "the client does not answer our EAP-MSCHAPv2 requests"}, s.reason())
		}
	})
	t.Run("a refused client is told in full", func(t *testing.T) {
		s, request := eapChallengeOf(t, serverConfig(), testUser)
		s.inEAP(eapResponse, request.id, eapResponseTo(t, request, testUser, "wrong"))
		assert.Equal(t, AuthFailed{User: testUser, Method: EAPMSCHAPv2, Code: 691, Message: "wrong user name or password"}, only[AuthFailed](s.end), "at once, for who counts them")
		p := s.expect(ProtoEAP, eapRequest)
		assert.Regexp(t, `^E=691 R=0 C=[0-9A-F]{32} V=3 M=.+`, string(chapIn(t, p).data))
		s.quiet()
		s.inEAP(eapResponse, p.id, []byte{eapMSCHAPv2, chapFailure})
		assert.Equal(t, p.id, s.expect(ProtoEAP, eapFailure).id)
		s.expect(ProtoLCP, codeTerminateRequest)
		s.wait(time.Minute)
		assert.Equal(t, &DownError{Class: ClassAuth, Code: 691, Message: "authentication failed: wrong user name or password"}, s.reason())
	})
	for name, leave := range map[string]func(*script){
		"says nothing":        func(s *script) { s.wait(defaultRestartTimer) },
		"closes the link":     func(s *script) { s.in(ProtoLCP, codeTerminateRequest, 9, []byte("bye")) },
		"is gone":             func(s *script) { s.link.LowerDown(s.now) },
		"begins LCP anew":     func(s *script) { s.in(ProtoLCP, codeConfigureRequest, 9, []byte{1, 4, 5, 0}) },
		"answers with a name": func(s *script) { s.inEAP(eapResponse, s.link.auth.(*eapServer).id, []byte{eapIdentity}) },
	} {
		t.Run("a refused client "+name, func(t *testing.T) {
			s := eapServerAt(t, eapRefusing)
			leave(s)
			s.wait(10 * time.Second)
			only[AuthFailed](s.end)
			assert.Equal(t, ClassAuth, s.reason().Class)
			assert.Equal(t, 691, s.reason().Code)
		})
	}
	t.Run("a right Response after a wrong one is not judged", func(t *testing.T) {
		s, request := eapChallengeOf(t, serverConfig(), testUser)
		s.inEAP(eapResponse, request.id, eapResponseTo(t, request, testUser, "wrong"))
		s.inEAP(eapResponse, request.id, eapResponseTo(t, request, testUser, testPassword))
		p := s.expect(ProtoEAP, eapRequest)
		s.inEAP(eapResponse, p.id, eapResponseTo(t, request, testUser, testPassword))
		s.wait(time.Minute)
		assert.Empty(t, eventsOf[AuthSucceeded](s.end))
		assert.Equal(t, ClassAuth, s.reason().Class)
	})
	t.Run("the name that was hashed counts", func(t *testing.T) {
		for _, identity := range []string{"anonymous", "root", "", "CORP\\" + testUser} {
			s, request := eapChallengeOf(t, serverConfig(), identity)
			s.inEAP(eapResponse, request.id, eapResponseTo(t, request, testUser, testPassword))
			p := s.expect(ProtoEAP, eapRequest)
			s.inEAP(eapResponse, p.id, []byte{eapMSCHAPv2, chapSuccess})
			assert.Equal(t, testUser, only[AuthSucceeded](s.end).User)
		}
		s, request := eapChallengeOf(t, serverConfig(), testUser)
		s.inEAP(eapResponse, request.id, eapResponseTo(t, request, "mallory", testPassword))
		assert.Equal(t, "mallory", only[AuthFailed](s.end).User)
	})
	t.Run("who is barred is told why, whatever the password", func(t *testing.T) {
		for _, password := range []string{testPassword, "wrong"} {
			cfg := serverConfig()
			cfg.Barred = func(string) string { return "banned for 9 s more" }
			s, request := eapChallengeOf(t, cfg, testUser)
			s.inEAP(eapResponse, request.id, eapResponseTo(t, request, testUser, password))
			assert.True(t, only[AuthFailed](s.end).Barred)
			assert.Equal(t, "banned for 9 s more", string(s.expect(ProtoLCP, codeTerminateRequest).data))
			assert.False(t, s.link.creds.valid)
		}
	})
	for name, c := range map[string]struct {
		nak  []byte
		want string
	}{
		"TLS":     {[]byte{eapNak, 13, 25}, "the client wants EAP-TLS (type 13), and is offered EAP-MSCHAPv2 (type 26) alone"},
		"nothing": {[]byte{eapNak, 0}, "the client wants another type of EAP, and names none, and is offered EAP-MSCHAPv2 (type 26) alone"},
	} {
		t.Run("a client that wants "+name, func(t *testing.T) {
			s := eapServerAt(t, eapChallenged)
			s.inEAP(eapResponse, s.link.auth.(*eapServer).id, c.nak)
			s.expect(ProtoEAP, eapFailure)
			assert.Equal(t, &DownError{Class: ClassPolicy, Message: c.want}, only[Closing](s.end).Reason)
		})
	}
	t.Run("a client that does not believe us has no keys here", func(t *testing.T) {
		s := eapServerAt(t, eapAccepting)
		s.inEAP(eapResponse, s.link.auth.(*eapServer).id, []byte{eapMSCHAPv2, chapFailure})
		assert.False(t, s.link.creds.valid)
		assert.Equal(t, ClassPeer, only[Closing](s.end).Reason.Class)
	})
	t.Run("the end is said again to who missed it", func(t *testing.T) {
		s := eapServerAt(t, eapOver)
		s.inEAP(eapResponse, s.link.auth.(*eapServer).id, []byte{eapMSCHAPv2, chapSuccess})
		s.expect(ProtoEAP, eapSuccess)
		assert.Equal(t, uint64(1), s.link.Stats().Repeated)
		only[AuthSucceeded](s.end)
	})
	t.Run("nothing is let in before it has accepted", func(t *testing.T) {
		s := eapServerAt(t, eapAccepting)
		s.in(ProtoCCP, codeConfigureRequest, 1, appendMPPE(nil, mppeStateless|mppe128))
		s.in(ProtoIPCP, codeConfigureRequest, 1, []byte{3, 6, 10, 99, 0, 100})
		s.quiet()
		assert.Empty(t, eventsOf[AuthSucceeded](s.end))
	})
}
