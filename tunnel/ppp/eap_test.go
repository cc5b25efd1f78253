package ppp

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The exchange of RFC 2759 section 9.2 in EAP (RFC 3748 section 4; draft-kamath-pppext-eap-mschapv2
// section 2), in frames without address and control fields: each of the server's Requests with the
// client's Response.
const (
	vectorIdentity   = "c227 01 07 0005 01"
	vectorName       = "c227 02 07 0009 01 55736572"
	vectorChallenge  = "c227 01 08 001d 1a 01 08 0018 10 5b5d7c7d7b3f2f3e3c2c602132262628 737276"
	vectorResponse   = "c227 02 08 003f 1a 02 08 003a 31 21402324255e262a28295f2b3a337c7e 0000000000000000 82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df 00 55736572"
	vectorSuccess    = "c227 01 09 003d 1a 03 08 0038 533d34303741353538393131354644304436323039463531304645394330343536363933324344413536 204d3d77656c636f6d65"
	vectorAcceptance = "c227 02 09 0006 1a 03"
	vectorEnd        = "c227 03 09 0004"
)

// wantsEAP is the option of a server that asks for EAP.
var wantsEAP = appendOption(nil, lcpOptAuth, EAPMSCHAPv2.option())

// eapOnly has an end speak nothing else.
func eapOnly(c Config) Config {
	c.Auth = []AuthMethod{EAPMSCHAPv2}
	return c
}

// vectorServer is the server of the RFC's exchange.
func vectorServer(t *testing.T) Config {
	cfg := eapOnly(serverConfig())
	cfg.Name = "srv"
	cfg.Lookup = func(user string) (Account, bool) { return Account{Password: "clientPass"}, user == "User" }
	cfg.Rand = io.MultiReader(bytes.NewReader(wire(t, "01020304 06 5b5d7c7d7b3f2f3e3c2c602132262628")), testRand(3))
	return cfg
}

func TestEAPVectorsOfAClient(t *testing.T) {
	cfg := eapOnly(clientConfig())
	cfg.User, cfg.Password = "User", "clientPass"
	cfg.Rand = io.MultiReader(bytes.NewReader(wire(t, "01020304 21402324255e262a28295f2b3a337c7e")), testRand(3))
	s := newScript(t, cfg)
	s.openLCP(wantsEAP)
	s.say(vectorIdentity)
	s.sends(vectorName)
	s.say(vectorChallenge)
	s.sends(vectorResponse)
	s.say(vectorSuccess)
	s.sends(vectorAcceptance)
	s.quiet()
	s.say(vectorEnd)
	assert.Equal(t, AuthSucceeded{User: "User", Method: EAPMSCHAPv2}, only[AuthSucceeded](s.end))
	assert.Equal(t, "8b7cdc149b993a1ba118cb153f56dccb", hexOf(s.openCCP().Recv.Key), "RFC 3079 section 3.5.3")
}

func TestEAPVectorsOfAServer(t *testing.T) {
	s := newScript(t, vectorServer(t))
	s.openLCP(nil)
	s.sends(vectorIdentity)
	s.say(vectorName)
	s.sends(vectorChallenge)
	s.say(vectorResponse)
	s.sends(vectorSuccess)
	assert.Empty(t, eventsOf[AuthSucceeded](s.end), "the client may not like our proof")
	s.say(vectorAcceptance)
	s.sends(vectorEnd)
	assert.Equal(t, AuthSucceeded{User: "User", Method: EAPMSCHAPv2}, only[AuthSucceeded](s.end))
	assert.Equal(t, "8b7cdc149b993a1ba118cb153f56dccb", hexOf(s.openCCP().Send.Key), "RFC 3079 section 3.5.3")
}

// openCCP opens it with 128 bits, stateless.
func (s *script) openCCP() EncryptionUp {
	s.t.Helper()
	ours := s.expect(ProtoCCP, codeConfigureRequest)
	s.in(ProtoCCP, codeConfigureRequest, 1, appendMPPE(nil, mppeStateless|mppe128))
	s.in(ProtoCCP, codeConfigureAck, ours.id, ours.data)
	return only[EncryptionUp](s.end)
}

// TestEAPIsNegotiated: MS-CHAPv2 is the same in fewer packets, and comes first; EAP is for who
// wants nothing else.
func TestEAPIsNegotiated(t *testing.T) {
	both := []AuthMethod{MSCHAPv2, EAPMSCHAPv2}
	only, chap := []AuthMethod{EAPMSCHAPv2}, []AuthMethod{MSCHAPv2}
	for name, c := range map[string]struct {
		client, server []AuthMethod
		method         AuthMethod // 0: the link goes down
	}{
		"by default CHAP":               {nil, nil, MSCHAPv2},
		"the server insists":            {nil, only, EAPMSCHAPv2},
		"the client insists":            {only, nil, EAPMSCHAPv2},
		"both want it":                  {only, only, EAPMSCHAPv2},
		"the server asks for it first":  {nil, []AuthMethod{EAPMSCHAPv2, MSCHAPv2}, MSCHAPv2},
		"the client prefers it":         {[]AuthMethod{EAPMSCHAPv2, MSCHAPv2}, both, MSCHAPv2},
		"both prefer it":                {[]AuthMethod{EAPMSCHAPv2, MSCHAPv2}, []AuthMethod{EAPMSCHAPv2, MSCHAPv2}, EAPMSCHAPv2},
		"the client is not allowed it":  {chap, only, 0},
		"the server is not allowed it":  {only, chap, 0},
		"a server with CHAP for others": {only, []AuthMethod{MSCHAPv2, CHAPMD5, EAPMSCHAPv2}, EAPMSCHAPv2},
	} {
		t.Run(name, func(t *testing.T) {
			cc, sc := clientConfig(), serverConfig()
			cc.Auth, sc.Auth = c.client, c.server
			if len(c.server) == 3 {
				cc.MPPE.Mode, sc.MPPE.Mode = Allow, Allow
			}
			p := newPair(t, cc, sc)
			p.open()
			p.run(60 * time.Second)
			if c.method == 0 {
				assert.Contains(t, []Class{p.client.reason().Class, p.server.reason().Class}, ClassPolicy)
				assert.Empty(t, eventsOf[AuthSucceeded](p.server))
				return
			}
			p.requireUp(true)
			for _, e := range []*end{p.client, p.server} {
				assert.Equal(t, AuthSucceeded{User: testUser, Method: c.method}, eventsOf[AuthSucceeded](e)[0])
				assert.Equal(t, 128, eventsOf[EncryptionUp](e)[0].Send.Strength)
			}
		})
	}
	t.Run("a copy of a request that was Naked is not insisting", func(t *testing.T) {
		s := newScript(t, clientConfig())
		s.expect(ProtoLCP, codeConfigureRequest)
		for range 3 {
			s.in(ProtoLCP, codeConfigureRequest, 1, wantsEAP)
			assert.Equal(t, wantsMSCHAP, s.expect(ProtoLCP, codeConfigureNak).data)
		}
		s.in(ProtoLCP, codeConfigureRequest, 2, wantsEAP)
		s.expect(ProtoLCP, codeConfigureAck)
	})
	t.Run("a server that leaves instead is understood", func(t *testing.T) {
		s := newScript(t, clientConfig())
		s.in(ProtoLCP, codeConfigureRequest, 1, wantsEAP)
		s.in(ProtoLCP, codeTerminateRequest, 2, nil)
		s.wait(10 * time.Second)
		assert.Equal(t, "the peer closed the link; it wants EAP, which is taken here of a server that insists on it", s.reason().Message)
		assert.Equal(t, ClassPolicy, s.reason().Class)
	})
}

// TestEAPOnABadNetwork: frames are lost, doubled and late, and the login comes to its end or is
// given up in words; with a wrong password it never succeeds.
func TestEAPOnABadNetwork(t *testing.T) {
	for _, right := range []bool{true, false} {
		up := 0
		for seed := range uint64(60) {
			cc, sc := eapOnly(clientConfig()), eapOnly(serverConfig())
			if !right {
				cc.Password = "other"
			}
			p := newPair(t, cc, sc)
			dice := testRand(1000 + seed)
			p.network = func(bool, []byte) []time.Duration {
				switch n := dice.Uint64() % 10; {
				case n < 2:
					return nil
				case n < 4:
					return []time.Duration{time.Millisecond, 40 * time.Millisecond}
				default:
					return []time.Duration{time.Duration(1+dice.Uint64()%60) * time.Millisecond}
				}
			}
			p.open()
			p.run(3 * time.Minute)
			for _, e := range []*end{p.client, p.server} {
				if !right {
					assert.Empty(t, eventsOf[AuthSucceeded](e))
					assert.Len(t, eventsOf[LinkDown](e), 1)
				}
			}
			if !right {
				assert.LessOrEqual(t, len(eventsOf[AuthFailed](p.server)), 1, "one link, one try")
			} else if len(eventsOf[LinkDown](p.client)) == 0 {
				p.requireUp(true)
				up++
			}
		}
		if right {
			assert.Greater(t, up, 50)
		}
	}
}

// TestEAPSuccessIsLost: it is sent once, and what follows it says the same; even that may be lost.
func TestEAPSuccessIsLost(t *testing.T) {
	for name, lost := range map[string]func(proto uint16, p packet) bool{
		"it alone": func(proto uint16, p packet) bool { return proto == ProtoEAP && p.code == eapSuccess },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, eapOnly(clientConfig()), eapOnly(serverConfig()))
			p.network = func(_ bool, f []byte) []time.Duration {
				if proto, in := parse(t, f); lost(proto, in) {
					return nil
				}
				return []time.Duration{time.Millisecond}
			}
			p.open()
			p.run(time.Second)
			p.requireUp(true)
		})
	}
	t.Run("and the server says nothing more", func(t *testing.T) {
		s := eapProvenClient(t)
		s.wait(defaultRestartTimer - time.Millisecond)
		s.quiet()
		s.wait(time.Millisecond)
		only[AuthSucceeded](s.end)
		s.expect(ProtoCCP, codeConfigureRequest)
	})
	for name, proto := range map[string]uint16{"CCP": ProtoCCP, "IPCP": ProtoIPCP, "IPV6CP": ProtoIPV6CP} {
		t.Run("and the server goes on with "+name, func(t *testing.T) {
			s := eapProvenClient(t)
			s.in(proto, codeConfigureRequest, 1, nil)
			only[AuthSucceeded](s.end)
		})
		t.Run("and "+name+" overtakes its proof", func(t *testing.T) {
			cfg := eapOnly(clientConfig())
			cfg.IPv6 = true
			s, success := eapAnsweredClient(t, cfg)
			s.in(proto, codeConfigureRequest, 1, nil)
			assert.Empty(t, eventsOf[AuthSucceeded](s.end))
			s.inEAP(eapRequest, 3, success)
			s.expect(ProtoEAP, eapResponse)
			only[AuthSucceeded](s.end)
		})
	}
}

// TestMSCHAPv2InEAP: what a login in EAP rests on is found as in CHAP.
func TestMSCHAPv2InEAP(t *testing.T) {
	info := func(s string) []byte { return wire(t, s)[2:] }
	for name, c := range map[string]struct {
		info []byte
		chap string // "": none
	}{
		"Challenge":            {info(vectorChallenge), "010800181 05b5d7c7d7b3f2f3e3c2c602132262628737276"},
		"Response":             {info(vectorResponse), "0208003a3121402324255e262a28295f2b3a337c7e000000000000000082309ecd8d708b5ea08faa3981cd83544233114a3d85d6df0055736572"},
		"Success":              {info(vectorSuccess), "03080038533d34303741353538393131354644304436323039463531304645394330343536363933324344413536204d3d77656c636f6d65"},
		"with padding":         {append(info(vectorChallenge), 0, 0), "0108001810 5b5d7c7d7b3f2f3e3c2c602132262628737276"},
		"Identity":             {info(vectorIdentity), ""},
		"answer to Success":    {info(vectorAcceptance), ""},
		"EAP's Success":        {info(vectorEnd), ""},
		"nothing":              {nil, ""},
		"a length of no sense": {info("c227 01 08 000a 1a 01 08 0018 10"), ""},
		"another type":         {info("c227 01 08 000a 04 01 08 0005 10"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			chap, ok := MSCHAPv2InEAP(c.info)
			assert.Equal(t, c.chap != "", ok)
			if ok {
				assert.Equal(t, wire(t, c.chap), chap)
			}
		})
	}
}

// FuzzEAP gives any packets to a client and to a server in every state of theirs, as Requests and
// Responses that come under the identifier they should have.
func FuzzEAP(f *testing.F) {
	for _, frame := range []string{vectorIdentity, vectorName, vectorChallenge, vectorResponse, vectorSuccess, vectorAcceptance, vectorEnd} {
		f.Add(wire(f, frame)[2:], byte(0))
		f.Add(wire(f, frame)[2:], byte(3))
	}
	f.Add(wire(f, vectorAcceptance)[2:], byte(5))
	f.Add(append([]byte{1, 0, 0, 9, 2}, "text"...), byte(1))
	f.Add([]byte{2, 0, 0, 6, 3, 13}, byte(5))
	f.Fuzz(func(t *testing.T, info []byte, state byte) {
		var s *script
		switch state % 6 {
		case 0:
			s = newScript(t, eapOnly(clientConfig()))
			s.openLCP(wantsEAP)
		case 1:
			s, _ = eapAnsweredClient(t, eapOnly(clientConfig()))
		case 2:
			s = eapProvenClient(t)
		default:
			s = eapServerAt(t, eapStage(state%6-3))
		}
		frame := append(AppendHeader(nil, ProtoEAP, false, false), info...)
		if len(info) > 1 && s.link.cfg.Server && state < 128 {
			frame[5] = s.link.auth.(*eapServer).id
		}
		before := len(s.frames) + len(s.events)
		was := len(eventsOf[AuthSucceeded](s.end))
		s.link.Input(s.now, frame)
		require.LessOrEqual(t, len(s.frames)+len(s.events)-before, 6)
		if n := state % 6; n != 2 && n != 5 {
			// Nothing short of the right hash lets anybody in, or a server be believed; eapProven
			// and eapAccepting have seen it.
			require.Len(t, eventsOf[AuthSucceeded](s.end), was)
		}
		requireWords(t, frame)
		if chap, ok := MSCHAPv2InEAP(info); ok {
			require.Equal(t, int(binary.BigEndian.Uint16(chap[2:])), len(chap))
		}
		s.wait(time.Hour)
	})
}
