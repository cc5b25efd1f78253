package ppp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMatrix brings up two links with every method, mode, kind and network.
func TestMatrix(t *testing.T) {
	networks := map[string]func(seed uint64) func(bool, []byte) []time.Duration{
		"perfect": func(uint64) func(bool, []byte) []time.Duration { return nil },
		"loss": func(seed uint64) func(bool, []byte) []time.Duration {
			r := rand.New(rand.NewPCG(seed, 1))
			return func(bool, []byte) []time.Duration {
				if r.IntN(100) < 15 {
					return nil
				}
				return []time.Duration{20 * time.Millisecond}
			}
		},
		"duplication": func(seed uint64) func(bool, []byte) []time.Duration {
			r := rand.New(rand.NewPCG(seed, 2))
			return func(bool, []byte) []time.Duration {
				if r.IntN(2) == 0 {
					return []time.Duration{5 * time.Millisecond, 5 * time.Millisecond}
				}
				return []time.Duration{5 * time.Millisecond}
			}
		},
		"late copies": func(seed uint64) func(bool, []byte) []time.Duration {
			r := rand.New(rand.NewPCG(seed, 3))
			return func(bool, []byte) []time.Duration {
				return []time.Duration{5 * time.Millisecond, time.Duration(r.IntN(100)) * time.Millisecond}
			}
		},
		"reordering": func(seed uint64) func(bool, []byte) []time.Duration {
			r := rand.New(rand.NewPCG(seed, 4))
			return func(bool, []byte) []time.Duration {
				return []time.Duration{time.Duration(1+r.IntN(8)) * time.Millisecond}
			}
		},
	}
	for _, method := range []AuthMethod{MSCHAPv2, CHAPMD5, PAP} {
		for _, mode := range []MPPEMode{Require128, Require, Allow, Off} {
			for _, stateful := range []StatefulMode{StatefulNever, StatefulAllowed, StatefulRequired} {
				for name, network := range networks {
					if method != MSCHAPv2 && mode <= Require {
						continue // TestConfigErrors: it is refused
					}
					t.Run(fmt.Sprintf("%s/%s/stateful=%s/%s", method, mode, stateful, name), func(t *testing.T) {
						for seed := range uint64(4) {
							matrixCell(t, method, MPPEPolicy{Mode: mode, Stateful: stateful}, network(seed))
						}
					})
				}
			}
		}
	}
}

// matrixCell brings one pair up and takes it down.
func matrixCell(t *testing.T, method AuthMethod, policy MPPEPolicy, network func(bool, []byte) []time.Duration) {
	c, s := clientConfig(), serverConfig()
	c.Auth, s.Auth = []AuthMethod{method}, []AuthMethod{method}
	c.MPPE, s.MPPE = policy, policy
	p := newPair(t, c, s)
	p.network = network
	p.open()
	p.run(80 * time.Second)
	encrypted := method == MSCHAPv2 && policy.Mode != Off
	p.requireUp(encrypted)
	if encrypted {
		up := eventsOf[EncryptionUp](p.client)
		assert.Equal(t, 128, up[0].Send.Strength)
		assert.Len(t, up[0].Send.Key, 16)
		assert.Equal(t, policy.Stateful != StatefulRequired, up[0].Send.Stateless)
	}
	assert.Equal(t, []netip.Addr{dns1, dns2}, eventsOf[NetworkUp](p.client)[0].DNS)
	p.network = nil
	p.client.link.Close(p.now, "done")
	p.run(20 * time.Second)
	assert.Equal(t, ClassAdmin, p.client.reason().Class)
	assert.Equal(t, ClassPeer, p.server.reason().Class)
	assert.Contains(t, p.server.reason().Message, "done")
	assert.NotEmpty(t, eventsOf[NetworkDown](p.client))
	assert.NotEmpty(t, eventsOf[NetworkDown](p.server))
	_, more := p.client.link.Deadline()
	assert.False(t, more)
}

func TestSeveralPolicies(t *testing.T) {
	for name, c := range map[string]struct {
		client, server MPPEPolicy
		strength       int // 0: in clear
		stateful       bool
		class          Class // not 0: the link goes down
	}{
		"the strongest of several":        {MPPEPolicy{Mode: Require}, MPPEPolicy{Mode: Require}, 128, false, 0},
		"40 bits both":                    {MPPEPolicy{Mode: Require, Strengths: []int{40}}, MPPEPolicy{Mode: Require, Strengths: []int{40}}, 40, false, 0},
		"client takes all, server 56":     {MPPEPolicy{Mode: Require}, MPPEPolicy{Mode: Require, Strengths: []int{56}}, 56, false, 0},
		"client 56, server takes all":     {MPPEPolicy{Mode: Require, Strengths: []int{56}}, MPPEPolicy{Mode: Require}, 56, false, 0},
		"client 40 or 56, server 40, 128": {MPPEPolicy{Mode: Require, Strengths: []int{40, 56}}, MPPEPolicy{Mode: Require, Strengths: []int{128, 40}}, 40, false, 0},
		"stateful asked by the server":    {MPPEPolicy{Stateful: StatefulAllowed}, MPPEPolicy{Stateful: StatefulRequired}, 128, true, 0},
		"stateful asked by the client":    {MPPEPolicy{Stateful: StatefulRequired}, MPPEPolicy{Stateful: StatefulAllowed}, 128, true, 0},
		"allowed stays stateless":         {MPPEPolicy{Stateful: StatefulAllowed}, MPPEPolicy{Stateful: StatefulAllowed}, 128, false, 0},
		"one allows":                      {MPPEPolicy{Mode: Allow}, MPPEPolicy{Mode: Require128}, 128, false, 0},
		"allow meets off":                 {MPPEPolicy{Mode: Allow}, MPPEPolicy{Mode: Off}, 0, false, 0},
		"off meets allow":                 {MPPEPolicy{Mode: Off}, MPPEPolicy{Mode: Allow}, 0, false, 0},
		"allow meets allow, no strength":  {MPPEPolicy{Mode: Allow, Strengths: []int{40}}, MPPEPolicy{Mode: Allow, Strengths: []int{128}}, 0, false, 0},
		"client requires, server off":     {MPPEPolicy{}, MPPEPolicy{Mode: Off}, 0, false, ClassPolicy},
		"server requires, client off":     {MPPEPolicy{Mode: Off}, MPPEPolicy{}, 0, false, ClassPolicy},
		"no strength in common":           {MPPEPolicy{}, MPPEPolicy{Mode: Require, Strengths: []int{40}}, 0, false, ClassPolicy},
		"stateful against stateless":      {MPPEPolicy{Stateful: StatefulRequired}, MPPEPolicy{}, 0, false, ClassPolicy},
		"stateless against stateful":      {MPPEPolicy{}, MPPEPolicy{Stateful: StatefulRequired}, 0, false, ClassPolicy},
	} {
		t.Run(name, func(t *testing.T) {
			cc, sc := clientConfig(), serverConfig()
			cc.MPPE, sc.MPPE = c.client, c.server
			p := newPair(t, cc, sc)
			p.open()
			p.run(60 * time.Second)
			if c.class != 0 {
				classes := []Class{p.client.reason().Class, p.server.reason().Class}
				assert.Contains(t, classes, c.class, "%v / %v", p.client.reason(), p.server.reason())
				assert.Empty(t, eventsOf[NetworkUp](p.client))
				assert.Empty(t, eventsOf[NetworkUp](p.server))
				return
			}
			p.requireUp(c.strength != 0)
			if c.strength != 0 {
				up := only[EncryptionUp](p.client)
				assert.Equal(t, c.strength, up.Send.Strength)
				assert.Equal(t, c.strength, up.Recv.Strength)
				assert.Equal(t, !c.stateful, up.Send.Stateless)
				want := 16
				if c.strength != 128 {
					want = 8
				}
				assert.Len(t, up.Send.Key, want)
			}
		})
	}
}

func TestAuthPolicies(t *testing.T) {
	open := MPPEPolicy{Mode: Off}
	for name, c := range map[string]struct {
		client, server []AuthMethod
		method         AuthMethod // 0: the link goes down
	}{
		"the server's order":      {[]AuthMethod{PAP, CHAPMD5, MSCHAPv2}, []AuthMethod{MSCHAPv2, PAP}, MSCHAPv2},
		"the client's Nak counts": {[]AuthMethod{PAP}, []AuthMethod{MSCHAPv2, CHAPMD5, PAP}, PAP},
		"CHAP-MD5 after a Nak":    {[]AuthMethod{CHAPMD5}, []AuthMethod{MSCHAPv2, CHAPMD5}, CHAPMD5},
		"nothing in common":       {[]AuthMethod{MSCHAPv2}, []AuthMethod{PAP, CHAPMD5}, 0},
		"nothing, the other way":  {[]AuthMethod{PAP}, []AuthMethod{MSCHAPv2}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			cc, sc := clientConfig(), serverConfig()
			cc.Auth, sc.Auth, cc.MPPE, sc.MPPE = c.client, c.server, open, open
			p := newPair(t, cc, sc)
			p.open()
			p.run(60 * time.Second)
			if c.method == 0 {
				assert.Contains(t, []Class{p.client.reason().Class, p.server.reason().Class}, ClassPolicy)
				assert.Empty(t, eventsOf[AuthSucceeded](p.server))
				return
			}
			p.requireUp(false)
			assert.Equal(t, c.method, only[AuthSucceeded](p.client).Method)
			assert.Equal(t, AuthSucceeded{User: testUser, Method: c.method}, only[AuthSucceeded](p.server))
		})
	}
}

func TestWrongPasswordAndUnknownUser(t *testing.T) {
	for _, method := range []AuthMethod{MSCHAPv2, CHAPMD5, PAP} {
		for name, change := range map[string]func(*Config){
			"wrong password": func(c *Config) { c.Password = "not-" + testPassword },
			"empty password": func(c *Config) { c.Password = "" },
			"unknown user":   func(c *Config) { c.User = "nobody" },
		} {
			t.Run(method.String()+"/"+name, func(t *testing.T) {
				cc, sc := clientConfig(), serverConfig()
				change(&cc)
				cc.Auth, sc.Auth = []AuthMethod{method}, []AuthMethod{method}
				cc.MPPE.Mode, sc.MPPE.Mode = Off, Off
				p := newPair(t, cc, sc)
				p.open()
				p.run(20 * time.Second)
				for _, e := range []*end{p.client, p.server} {
					assert.Equal(t, ClassAuth, e.reason().Class)
					assert.Contains(t, e.reason().Error(), "wrong user name or password")
					assert.Equal(t, cc.User, only[AuthFailed](e).User)
					assert.Empty(t, eventsOf[NetworkUp](e))
					assert.NotContains(t, fmt.Sprintf("%#v %v", e.events, e.reason()), testPassword)
				}
				if method == MSCHAPv2 {
					assert.Equal(t, 691, p.client.reason().Code)
					assert.Contains(t, p.client.reason().Message, "authentication failed: 691: wrong user name or password")
				}
			})
		}
	}
}

func TestRetryWithAnotherPassword(t *testing.T) {
	cfg := clientConfig()
	cfg.Password = "first"
	asked := 0
	cfg.Retry = func(f AuthFailed) (string, bool) {
		asked++
		assert.Equal(t, 691, f.Code)
		return "second", asked == 1
	}
	s := newScript(t, cfg)
	s.openLCP(appendOption(nil, lcpOptAuth, MSCHAPv2.option()))
	s.in(ProtoCHAP, chapChallenge, 5, appendChapValue(nil, make([]byte, 16), "x"))
	first := s.expect(ProtoCHAP, chapResponse)
	s.in(ProtoCHAP, chapFailure, 5, []byte("E=691 R=1 C=000102030405060708090A0B0C0D0E0F V=3 M=again"))
	second := s.expect(ProtoCHAP, chapResponse)
	assert.Equal(t, first.id+1, second.id)
	assert.NotEqual(t, first.data, second.data)
	s.in(ProtoCHAP, chapFailure, 6, []byte("E=691 R=1 C=000102030405060708090A0B0C0D0E0F V=3 M=again"))
	assert.Equal(t, 2, asked)
	assert.Equal(t, "authentication failed: 691: wrong user name or password (the server says: again)", only[Closing](s.end).Reason.Message)
}

func TestNTHashInsteadOfPassword(t *testing.T) {
	for _, method := range []AuthMethod{MSCHAPv2, PAP, CHAPMD5} {
		t.Run(method.String(), func(t *testing.T) {
			cc, sc := clientConfig(), serverConfig()
			hash := Account{Password: testPassword}.ntHash()
			sc.Lookup = func(string) (Account, bool) { return Account{NTHash: &hash}, true }
			cc.Auth, sc.Auth = []AuthMethod{method}, []AuthMethod{method}
			cc.MPPE.Mode, sc.MPPE.Mode = Allow, Allow
			p := newPair(t, cc, sc)
			p.open()
			p.run(20 * time.Second)
			if method == CHAPMD5 {
				assert.Equal(t, ClassAuth, p.client.reason().Class, "a hash cannot answer CHAP-MD5")
				return
			}
			p.requireUp(method == MSCHAPv2)
		})
	}
}

func TestDomainUser(t *testing.T) {
	cc := clientConfig()
	cc.User = `CORP\` + testUser
	p := newPair(t, cc, serverConfig())
	p.open()
	p.run(10 * time.Second)
	p.requireUp(true)
	assert.Equal(t, testUser, only[AuthSucceeded](p.server).User)
}

func TestIPv6(t *testing.T) {
	t.Run("both", func(t *testing.T) {
		cc, sc := clientConfig(), serverConfig()
		cc.IPv6, sc.IPv6 = true, true
		p := newPair(t, cc, sc)
		p.open()
		p.run(10 * time.Second)
		p.requireUp(true)
		c, s := eventsOf[NetworkUp](p.client), eventsOf[NetworkUp](p.server)
		cu, su := c[len(c)-1], s[len(s)-1]
		assert.True(t, cu.LocalIPv6.IsLinkLocalUnicast())
		assert.Equal(t, cu.LocalIPv6, su.RemoteIPv6)
		assert.Equal(t, cu.RemoteIPv6, su.LocalIPv6)
		assert.NotEqual(t, cu.LocalIPv6, cu.RemoteIPv6)
	})
	for name, off := range map[string]func(c, s *Config){
		"server off": func(c, s *Config) { c.IPv6 = true },
		"client off": func(c, s *Config) { s.IPv6 = true },
	} {
		t.Run(name, func(t *testing.T) {
			cc, sc := clientConfig(), serverConfig()
			off(&cc, &sc)
			p := newPair(t, cc, sc)
			p.open()
			p.run(200 * time.Second)
			p.requireUp(true)
			assert.False(t, only[NetworkUp](p.client).LocalIPv6.IsValid())
		})
	}
	t.Run("the same random source gives two identifiers", func(t *testing.T) {
		cc, sc := clientConfig(), serverConfig()
		cc.IPv6, sc.IPv6 = true, true
		p := newPair(t, cc, sc)
		p.client.link.ipv6cp.local = [8]byte{1, 2, 3}
		p.server.link.ipv6cp.local = [8]byte{1, 2, 3}
		p.open()
		p.run(10 * time.Second)
		p.requireUp(true)
		up := eventsOf[NetworkUp](p.client)
		assert.NotEqual(t, up[len(up)-1].LocalIPv6, up[len(up)-1].RemoteIPv6)
	})
}

func TestRenegotiationOfLCP(t *testing.T) {
	p := newPair(t, clientConfig(), serverConfig())
	p.open()
	p.run(10 * time.Second)
	p.requireUp(true)
	old := only[EncryptionUp](p.client)
	// The server starts over with new requests, as pppd does when it wants to.
	p.server.link.enter(p.now)
	p.server.link.lcp.handle(evRTA)
	p.server.link.enter(p.now)()
	p.run(20 * time.Second)
	p.requireUp(true)
	for _, e := range []*end{p.client, p.server} {
		assert.Len(t, eventsOf[NetworkDown](e), 1)
		assert.Len(t, eventsOf[NetworkUp](e), 2)
		assert.Len(t, eventsOf[EncryptionUp](e), 2)
		assert.Equal(t, uint64(1), e.link.Stats().Renegotiations)
	}
	assert.NotEqual(t, old.Send.Key, eventsOf[EncryptionUp](p.client)[1].Send.Key, "new authentication, new keys")
}

func TestRenegotiationOfIPCP(t *testing.T) {
	p := newPair(t, clientConfig(), serverConfig())
	p.open()
	p.run(10 * time.Second)
	p.server.link.ipcp.handle(evRTA)
	p.server.link.enter(p.now)()
	p.run(20 * time.Second)
	p.requireUp(true)
	assert.Len(t, eventsOf[NetworkUp](p.client), 2)
	assert.Len(t, eventsOf[EncryptionUp](p.client), 1)
}

func TestTerminate(t *testing.T) {
	t.Run("by the server", func(t *testing.T) {
		p := newPair(t, clientConfig(), serverConfig())
		p.open()
		p.run(10 * time.Second)
		p.server.link.Close(p.now, "going home")
		p.server.link.Close(p.now, "twice")
		p.run(10 * time.Second)
		assert.Equal(t, &DownError{Class: ClassAdmin, Message: "going home"}, p.server.reason())
		assert.Equal(t, &DownError{Class: ClassPeer, Message: `the peer closed the link: "going home"`}, p.client.reason())
	})
	t.Run("a deaf peer is left after two tries", func(t *testing.T) {
		p := newPair(t, clientConfig(), serverConfig())
		p.open()
		p.run(10 * time.Second)
		p.network = func(bool, []byte) []time.Duration { return nil }
		p.client.frames = nil
		start := p.now
		p.client.link.Close(p.now, "bye")
		p.run(5900 * time.Millisecond)
		assert.Empty(t, eventsOf[LinkDown](p.client))
		p.run(200 * time.Millisecond)
		assert.Equal(t, ClassAdmin, p.client.reason().Class)
		assert.Len(t, p.client.frames, 2)
		assert.Equal(t, 6100*time.Millisecond, p.now.Sub(start))
	})
	t.Run("the call is cleared", func(t *testing.T) {
		p := newPair(t, clientConfig(), serverConfig())
		p.open()
		p.run(10 * time.Second)
		p.client.link.LowerDown(p.now)
		p.client.link.LowerDown(p.now)
		assert.Equal(t, ClassPeer, p.client.reason().Class)
		assert.Len(t, eventsOf[NetworkDown](p.client), 1)
	})
	t.Run("before Open", func(t *testing.T) {
		for name, f := range map[string]func(*Link){
			"Close":     func(l *Link) { l.Close(epoch, "never mind") },
			"LowerDown": func(l *Link) { l.LowerDown(epoch) },
		} {
			e := newEnd(t, clientConfig(), 1)
			f(e.link)
			assert.NotNil(t, e.reason(), name)
			e.link.Open(epoch)
			assert.Empty(t, e.frames, "a link that has ended stays so")
		}
	})
	t.Run("while LCP is starting", func(t *testing.T) {
		s := newScript(t, clientConfig())
		s.link.Close(s.now, "changed my mind")
		s.wait(10 * time.Second)
		assert.Equal(t, ClassAdmin, s.reason().Class)
	})
	t.Run("from a callback", func(t *testing.T) {
		var e *end
		cfg := clientConfig()
		e = newEnd(t, cfg, 1)
		event := e.link.out.event
		e.link.out.event = func(ev Event) {
			event(ev)
			if _, ok := ev.(Closing); ok {
				e.link.LowerDown(epoch)
			}
		}
		e.link.Open(epoch)
		e.link.Close(epoch, "x")
		assert.Equal(t, ClassAdmin, e.reason().Class)
	})
}

func TestTimeouts(t *testing.T) {
	t.Run("nothing received", func(t *testing.T) {
		s := newScript(t, clientConfig())
		s.wait(31 * time.Second)
		assert.Equal(t, ClassTimeout, s.reason().Class)
		assert.True(t, s.reason().NothingReceived)
		assert.Len(t, s.frames, 10)
	})
	t.Run("something received", func(t *testing.T) {
		s := newScript(t, clientConfig())
		s.in(ProtoLCP, codeIdentification, 1, []byte{0, 0, 0, 0})
		s.wait(31 * time.Second)
		assert.Equal(t, ClassTimeout, s.reason().Class)
		assert.False(t, s.reason().NothingReceived)
	})
	t.Run("no challenge", func(t *testing.T) {
		s := newScript(t, clientConfig())
		s.openLCP(appendOption(nil, lcpOptAuth, MSCHAPv2.option()))
		s.wait(40 * time.Second)
		assert.Equal(t, ClassTimeout, s.reason().Class)
		assert.Contains(t, s.reason().Message, "no challenge")
	})
	for _, method := range []AuthMethod{MSCHAPv2, CHAPMD5, PAP} {
		t.Run("a client that never answers "+method.String(), func(t *testing.T) {
			cfg := serverConfig()
			cfg.Auth, cfg.MPPE.Mode = []AuthMethod{method}, Off
			s := newScript(t, cfg)
			s.openLCP(nil)
			s.wait(60 * time.Second)
			assert.Equal(t, ClassTimeout, s.reason().Class)
		})
	}
	t.Run("a peer that keeps LCP busy", func(t *testing.T) {
		cfg := clientConfig()
		s := newScript(t, cfg)
		for i := range 200 {
			s.in(ProtoLCP, codeConfigureRequest, byte(i), appendOption(nil, 13, []byte{6}))
			ours := s.frames[len(s.frames)-1]
			_, p := parse(t, ours)
			if p.code == codeConfigureRequest {
				s.in(ProtoLCP, codeConfigureAck, p.id, p.data)
			}
			s.wait(time.Second)
		}
		assert.Equal(t, ClassTimeout, s.reason().Class)
	})
}

func TestEchoes(t *testing.T) {
	t.Run("a peer that is gone", func(t *testing.T) {
		cc, sc := clientConfig(), serverConfig()
		cc.EchoInterval, cc.EchoFailures = 5*time.Second, 3
		p := newPair(t, cc, sc)
		p.open()
		p.run(60 * time.Second)
		p.requireUp(true)
		assert.GreaterOrEqual(t, p.client.link.Stats().EchoRepliesIn, uint64(10))
		p.network = func(bool, []byte) []time.Duration { return nil }
		p.run(40 * time.Second)
		assert.Equal(t, ClassTimeout, p.client.reason().Class)
		assert.Contains(t, p.client.reason().Message, "3 LCP echoes without an answer in 15s")
	})
	t.Run("a reply is cut to the peer's MRU", func(t *testing.T) {
		s := newScript(t, clientConfig())
		s.openLCP(slices.Concat(appendOption(nil, lcpOptMRU, []byte{0, 200}), appendOption(nil, lcpOptAuth, MSCHAPv2.option())))
		s.in(ProtoLCP, codeEchoRequest, 9, make([]byte, 1000))
		p := s.expect(ProtoLCP, codeEchoReply)
		assert.Len(t, p.raw, 200)
		assert.Equal(t, byte(9), p.id)
	})
	t.Run("our own echoes are a loop", func(t *testing.T) {
		cfg := clientConfig()
		cfg.EchoInterval = time.Second
		s := newScript(t, cfg)
		s.openLCP(appendOption(nil, lcpOptAuth, MSCHAPv2.option()))
		for range 3 {
			s.skip()
			s.wait(time.Second)
			p := s.expect(ProtoLCP, codeEchoRequest)
			s.in(ProtoLCP, codeEchoRequest, p.id, p.data)
		}
		s.wait(10 * time.Second)
		assert.Equal(t, ClassLoop, s.reason().Class)
	})
	t.Run("a peer without echoes is not watched", func(t *testing.T) {
		cfg := clientConfig()
		cfg.EchoInterval, cfg.SetupTimeout = time.Second, time.Hour
		s := newScript(t, cfg)
		s.openLCP(appendOption(nil, lcpOptAuth, MSCHAPv2.option()))
		s.wait(time.Second)
		p := s.expect(ProtoLCP, codeEchoRequest)
		s.in(ProtoLCP, codeCodeReject, 1, p.raw)
		s.wait(10 * time.Second)
		assert.Empty(t, eventsOf[LinkDown](s.end))
	})
}

func TestLoop(t *testing.T) {
	e := newEnd(t, clientConfig(), 1)
	e.onSend = func(f []byte) {
		if len(e.frames) < 1000 {
			e.link.Input(epoch, f)
		}
	}
	e.link.Open(epoch)
	e.onSend = nil
	for d, ok := e.link.Deadline(); ok; d, ok = e.link.Deadline() {
		e.link.Tick(d)
	}
	assert.Equal(t, ClassLoop, e.reason().Class)
	assert.Less(t, len(e.frames), 60)
}

func TestConfigErrors(t *testing.T) {
	for name, c := range map[string]struct {
		server bool
		change func(*Config)
		want   string
	}{
		"no random source":         {false, func(c *Config) { c.Rand = nil }, "Rand"},
		"MRU too small":            {false, func(c *Config) { c.MRU = 100 }, "MRU 100"},
		"negative counter":         {false, func(c *Config) { c.MaxFailure = -1 }, "negative"},
		"PAP with encryption":      {false, func(c *Config) { c.Auth = []AuthMethod{MSCHAPv2, PAP} }, "PAP gives no encryption keys"},
		"unknown method":           {false, func(c *Config) { c.Auth = []AuthMethod{9} }, "method 9"},
		"a method twice":           {false, func(c *Config) { c.Auth = []AuthMethod{MSCHAPv2, MSCHAPv2} }, "listed twice"},
		"unknown strength":         {false, func(c *Config) { c.MPPE.Strengths = []int{64} }, "64 bits"},
		"unknown mode":             {false, func(c *Config) { c.MPPE.Mode = 9 }, "mode 9"},
		"unknown stateful":         {false, func(c *Config) { c.MPPE.Stateful = 9 }, "stateful mode 9"},
		"no user":                  {false, func(c *Config) { c.User = "" }, "user name"},
		"long user":                {false, func(c *Config) { c.User = string(make([]byte, 256)) }, "256 bytes"},
		"password not UTF-8":       {false, func(c *Config) { c.Password = "\xff\xfe" }, "UTF-8"},
		"long password":            {false, func(c *Config) { c.Password = string(make([]byte, 257)) }, "256 characters"},
		"server without Lookup":    {true, func(c *Config) { c.Lookup = nil }, "Lookup"},
		"three name servers":       {true, func(c *Config) { c.DNS = []netip.Addr{dns1, dns2, dns1} }, "two DNS"},
		"name server of IPv6":      {true, func(c *Config) { c.DNS = []netip.Addr{netip.IPv6Loopback()} }, "::1"},
		"a server's name too long": {true, func(c *Config) { c.Name = string(make([]byte, 300)) }, "300 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := clientConfig()
			if c.server {
				cfg = serverConfig()
			}
			cfg.Rand, cfg.Send, cfg.Event = testRand(1), func([]byte) {}, func(Event) {}
			c.change(&cfg)
			_, err := New(cfg)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), testPassword)
		})
	}
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", clientConfig(), clientConfig(), clientConfig()), testPassword)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", Account{Password: testPassword}, Account{Password: testPassword}, Account{Password: testPassword}), testPassword)
}

func TestAssignments(t *testing.T) {
	addr := netip.MustParseAddr
	for name, c := range map[string]struct {
		assign  func(string) (netip.Addr, netip.Addr, error)
		allowed func(netip.Addr) bool
		class   Class
		text    string
	}{
		"pool exhausted": {func(string) (netip.Addr, netip.Addr, error) {
			return netip.Addr{}, netip.Addr{}, errors.New("the pool is empty")
		}, nil, ClassAdmin, "the pool is empty"},
		"unspecified":       {func(string) (netip.Addr, netip.Addr, error) { return serverAddr, netip.IPv4Unspecified(), nil }, nil, ClassAdmin, "0.0.0.0"},
		"the same twice":    {func(string) (netip.Addr, netip.Addr, error) { return serverAddr, serverAddr, nil }, nil, ClassAdmin, "10.99.0.1"},
		"IPv6":              {func(string) (netip.Addr, netip.Addr, error) { return addr("fd00::1"), addr("fd00::2"), nil }, nil, ClassAdmin, "fd00::1"},
		"nothing":           {func(string) (netip.Addr, netip.Addr, error) { return netip.Addr{}, netip.Addr{}, nil }, nil, ClassAdmin, "cannot be used"},
		"not the account's": {func(string) (netip.Addr, netip.Addr, error) { return serverAddr, clientAddr, nil }, func(a netip.Addr) bool { return a != clientAddr }, ClassPolicy, "10.99.0.100"},
	} {
		t.Run(name, func(t *testing.T) {
			sc := serverConfig()
			sc.Assign = c.assign
			sc.Lookup = func(string) (Account, bool) { return Account{Password: testPassword, Allowed: c.allowed}, true }
			p := newPair(t, clientConfig(), sc)
			p.open()
			p.run(20 * time.Second)
			assert.Equal(t, c.class, p.server.reason().Class)
			assert.Contains(t, p.server.reason().Message, c.text)
			assert.Equal(t, ClassPeer, p.client.reason().Class)
		})
	}
}

func TestNoRandomNumbers(t *testing.T) {
	cfg := clientConfig()
	cfg.Rand = brokenRand{}
	s := newScript(t, cfg)
	s.wait(10 * time.Second)
	assert.Equal(t, ClassAdmin, s.reason().Class)
	assert.Contains(t, s.reason().Message, "no entropy here")
}

func TestHeaderCompressionIsTakenAndUsed(t *testing.T) {
	cc := clientConfig()
	cc.HeaderCompression = true
	p := newPair(t, cc, serverConfig())
	p.open()
	p.run(10 * time.Second)
	p.requireUp(true)
	up := only[NetworkUp](p.server)
	assert.True(t, up.PFC)
	assert.True(t, up.ACFC)
	assert.False(t, only[NetworkUp](p.client).PFC)
	for _, f := range p.server.frames {
		proto, _ := parse(t, f)
		if proto == ProtoLCP {
			assert.Equal(t, []byte{0xFF, 0x03, 0xC0, 0x21}, f[:4])
		} else {
			assert.NotEqual(t, byte(0xFF), f[0])
		}
	}
}
