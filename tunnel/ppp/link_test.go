package ppp

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

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

// TestPeerLeavesOverPolicy: whoever of the two finds out first that they do not agree, the other
// one knows why too.
func TestPeerLeavesOverPolicy(t *testing.T) {
	for name, change := range map[string]func(client, server *Config){
		"the server wants encryption":      func(c, _ *Config) { c.MPPE.Mode = Off },
		"the client wants encryption":      func(_, s *Config) { s.MPPE.Mode = Off },
		"the client has another method":    func(c, _ *Config) { c.MPPE.Mode, c.Auth = Off, []AuthMethod{PAP} },
		"the server has another method":    func(_, s *Config) { s.MPPE.Mode, s.Auth = Off, []AuthMethod{PAP} },
		"the client alone is stateful":     func(c, _ *Config) { c.MPPE.Stateful = StatefulRequired },
		"the server alone is stateful":     func(_, s *Config) { s.MPPE.Stateful = StatefulRequired },
		"the server takes 40 bits, no 128": func(_, s *Config) { s.MPPE = MPPEPolicy{Mode: Require, Strengths: []int{40}} },
	} {
		t.Run(name, func(t *testing.T) {
			client, server := clientConfig(), serverConfig()
			change(&client, &server)
			p := newPair(t, client, server)
			p.open()
			p.run(time.Minute)
			assert.Equal(t, ClassPolicy, p.client.reason().Class, p.client.reason().Message)
			assert.Equal(t, ClassPolicy, p.server.reason().Class, p.server.reason().Message)
		})
	}
	t.Run("a peer that leaves an agreed link has other reasons", func(t *testing.T) {
		client, server := clientConfig(), serverConfig()
		client.MPPE.Mode, server.MPPE.Mode = Off, Allow
		p := newPair(t, client, server)
		p.open()
		p.run(10 * time.Second)
		p.requireUp(false)
		p.server.link.Close(p.now, "going home")
		p.run(10 * time.Second)
		assert.Equal(t, &DownError{Class: ClassPeer, Message: `the peer closed the link: "going home"`, WasUp: true}, p.client.reason())
	})
}

// TestOwnInterfaceID holds to the identifier that a link was given.
func TestOwnInterfaceID(t *testing.T) {
	client, server := clientConfig(), serverConfig()
	client.IPv6, server.IPv6 = true, true
	server.InterfaceID = [8]byte{4, 7: 9}
	p := newPair(t, client, server)
	p.open()
	p.run(10 * time.Second)
	p.requireUp(true)
	up := eventsOf[NetworkUp](p.client)
	assert.Equal(t, "fe80::400:0:0:9", up[len(up)-1].RemoteIPv6.String())

	s := newScript(t, server)
	s.link.ipv6cp.local = server.InterfaceID // as when its negotiation has begun
	s.link.ipv6cp.naked(appendOption(nil, ipv6cpOptInterfaceID, []byte{1, 2, 3, 4, 5, 6, 7, 8}))
	assert.Equal(t, server.InterfaceID, s.link.ipv6cp.local)
}

func TestTerminate(t *testing.T) {
	t.Run("by the server", func(t *testing.T) {
		p := newPair(t, clientConfig(), serverConfig())
		p.open()
		p.run(10 * time.Second)
		p.server.link.Close(p.now, "going home")
		p.server.link.Close(p.now, "twice")
		p.run(10 * time.Second)
		assert.Equal(t, &DownError{Class: ClassAdmin, Message: "going home", WasUp: true}, p.server.reason())
		assert.Equal(t, &DownError{Class: ClassPeer, Message: `the peer closed the link: "going home"`, WasUp: true}, p.client.reason())
	})
	t.Run("a deaf peer is left after two tries", func(t *testing.T) {
		p := newPair(t, clientConfig(), serverConfig())
		p.open()
		p.run(10 * time.Second)
		p.network = func(bool, []byte) []time.Duration { return nil }
		p.client.frames = nil
		start := p.now
		p.client.link.Close(p.now, "bye")
		p.run(499 * time.Millisecond)
		assert.Empty(t, eventsOf[LinkDown](p.client))
		p.run(time.Millisecond)
		assert.Equal(t, ClassAdmin, p.client.reason().Class)
		assert.Len(t, p.client.frames, 2)
		assert.Equal(t, 500*time.Millisecond, p.now.Sub(start))
	})
	t.Run("a peer that leaves echoes unanswered is left after one", func(t *testing.T) {
		client := clientConfig()
		client.EchoInterval = time.Minute
		p := newPair(t, client, serverConfig())
		p.open()
		p.run(10 * time.Second)
		p.network = func(bool, []byte) []time.Duration { return nil }
		p.run(time.Minute)
		p.client.frames = nil
		p.client.link.Close(p.now, "bye")
		p.run(249 * time.Millisecond)
		assert.Empty(t, eventsOf[LinkDown](p.client))
		p.run(time.Millisecond)
		assert.Equal(t, ClassAdmin, p.client.reason().Class)
		assert.Len(t, p.client.frames, 1)
	})
	t.Run("a peer that never said a word is not waited for", func(t *testing.T) {
		s := newScript(t, clientConfig())
		s.wait(7 * time.Second)
		s.skip()
		s.link.Close(s.now, "bye")
		assert.Equal(t, "bye", string(s.expect(ProtoLCP, codeTerminateRequest).data))
		s.quiet()
		assert.Equal(t, ClassAdmin, s.reason().Class)
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
