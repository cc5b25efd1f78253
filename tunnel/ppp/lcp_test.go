package ppp

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wantsMSCHAP is the option of a server that asks for MS-CHAPv2.
var wantsMSCHAP = appendOption(nil, lcpOptAuth, MSCHAPv2.option())

func TestLCPAnswers(t *testing.T) {
	windows := slices.Concat(
		appendOption(nil, 1, []byte{0x05, 0x78}),
		wantsMSCHAP,
		appendOption(nil, 13, []byte{6}),                  // callback
		appendOption(nil, 5, []byte{1, 2, 3, 4}),          // magic
		appendOption(nil, 17, []byte{6, 0x4E}),            // MRRU
		appendOption(nil, 19, append([]byte{1}, "ep"...)), // endpoint
		appendOption(nil, 4, []byte{0xC0, 0x25, 0, 0, 0, 0}),
	)
	for name, c := range map[string]struct {
		server bool
		in     []byte
		code   byte
		out    []byte // nil: the same as in
	}{
		"pppd's server, with its ACCM": {false, slices.Concat([]byte{1, 4, 5, 0x78, 2, 6, 0, 0, 0, 0}, wantsMSCHAP, []byte{5, 6, 0xEB, 0xE3, 0x17, 0xD6, 7, 2, 8, 2}), codeConfigureAck, nil},
		"what is unknown in one reject, in order": {false, windows, codeConfigureReject, slices.Concat(
			[]byte{13, 3, 6}, []byte{17, 4, 6, 0x4E}, []byte{19, 5, 1, 'e', 'p'}, []byte{4, 8, 0xC0, 0x25, 0, 0, 0, 0})},
		"PAP is Naked":                   {false, appendOption(nil, 3, []byte{0xC0, 0x23}), codeConfigureNak, wantsMSCHAP},
		"MS-CHAPv1 is Naked":             {false, appendOption(nil, 3, []byte{0xC2, 0x23, 0x80}), codeConfigureNak, wantsMSCHAP},
		"CHAP-MD5 is Naked":              {false, appendOption(nil, 3, []byte{0xC2, 0x23, 0x05}), codeConfigureNak, wantsMSCHAP},
		"EAP is Naked":                   {false, appendOption(nil, 3, []byte{0xC2, 0x27}), codeConfigureNak, wantsMSCHAP},
		"an empty method is Naked":       {false, appendOption(nil, 3, nil), codeConfigureNak, wantsMSCHAP},
		"no authentication is Naked":     {false, []byte{1, 4, 5, 0x78}, codeConfigureNak, wantsMSCHAP},
		"a server does not prove itself": {true, wantsMSCHAP, codeConfigureReject, wantsMSCHAP},
		"a client may ask for nothing":   {true, nil, codeConfigureAck, nil},
		"MRU too small":                  {true, []byte{1, 4, 0, 50}, codeConfigureNak, []byte{1, 4, 0, 128}},
		"MRU of the wrong length":        {true, []byte{1, 3, 0}, codeConfigureNak, []byte{1, 4, 0x05, 0xDC}},
		"ACCM of the wrong length":       {true, []byte{2, 2}, codeConfigureNak, []byte{2, 6, 0, 0, 0, 0}},
		"a flag with a value":            {true, []byte{7, 3, 1}, codeConfigureReject, nil},
		"an option twice":                {true, []byte{1, 4, 5, 0x78, 1, 4, 5, 0x78}, codeConfigureReject, []byte{1, 4, 5, 0x78}},
		"option 0":                       {true, []byte{0, 2}, codeConfigureReject, nil},
		"255 unknown options":            {true, bytes.Repeat([]byte{200, 2}, 255), codeConfigureReject, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := clientConfig()
			if c.server {
				cfg = serverConfig()
			}
			s := newScript(t, cfg)
			s.expect(ProtoLCP, codeConfigureRequest)
			s.in(ProtoLCP, codeConfigureRequest, 77, c.in)
			p := s.expect(ProtoLCP, c.code)
			s.quiet()
			assert.Equal(t, byte(77), p.id)
			want := c.out
			if want == nil {
				want = c.in
			}
			assert.Equal(t, string(want), string(p.data))
		})
	}
	t.Run("magic 0 is Naked with another", func(t *testing.T) {
		s := newScript(t, serverConfig())
		s.expect(ProtoLCP, codeConfigureRequest)
		s.in(ProtoLCP, codeConfigureRequest, 1, []byte{5, 6, 0, 0, 0, 0})
		p := s.expect(ProtoLCP, codeConfigureNak)
		assert.NotZero(t, binary.BigEndian.Uint32(p.data[2:]))
	})
	for name, bad := range map[string][]byte{
		"option length 0": {7, 0}, "option length 1": {7, 1}, "option overlong": {7, 9}, "half an option": {7},
	} {
		t.Run("malformed: "+name, func(t *testing.T) {
			s := newScript(t, clientConfig())
			s.skip()
			s.in(ProtoLCP, codeConfigureRequest, 1, bad)
			s.in(ProtoLCP, codeConfigureNak, 1, bad)
			s.in(ProtoLCP, codeConfigureReject, 1, bad)
			s.quiet()
			assert.Equal(t, uint64(3), s.link.Stats().Malformed)
		})
	}
}

func TestLCPOurRequests(t *testing.T) {
	t.Run("a client asks for little", func(t *testing.T) {
		s := newScript(t, clientConfig())
		p := s.expect(ProtoLCP, codeConfigureRequest)
		assert.Equal(t, []byte{1, 4, 0x05, 0x78, 5, 6}, p.data[:6])
		assert.Len(t, p.data, 10)
		assert.Equal(t, []byte{0xFF, 0x03, 0xC0, 0x21}, s.frames[0][:4])
	})
	t.Run("what is rejected is not asked again", func(t *testing.T) {
		s := newScript(t, clientConfig())
		p := s.expect(ProtoLCP, codeConfigureRequest)
		s.in(ProtoLCP, codeConfigureReject, p.id, p.data)
		p = s.expect(ProtoLCP, codeConfigureRequest)
		assert.Empty(t, p.data)
	})
	t.Run("an MRU is followed", func(t *testing.T) {
		s := newScript(t, clientConfig())
		p := s.expect(ProtoLCP, codeConfigureRequest)
		s.in(ProtoLCP, codeConfigureNak, p.id, []byte{1, 4, 0x05, 0})
		p = s.expect(ProtoLCP, codeConfigureRequest)
		assert.Equal(t, []byte{1, 4, 0x05, 0}, p.data[:4])
		s.in(ProtoLCP, codeConfigureNak, p.id, []byte{1, 4, 0xFF, 0xFF})
		p = s.expect(ProtoLCP, codeConfigureRequest)
		assert.Equal(t, byte(lcpOptMagic), p.data[0], "one that no peer needs is not")
	})
	t.Run("a retransmission keeps its identifier", func(t *testing.T) {
		s := newScript(t, clientConfig())
		first := s.expect(ProtoLCP, codeConfigureRequest)
		s.wait(defaultRestartTimer)
		assert.Equal(t, first.raw, s.expect(ProtoLCP, codeConfigureRequest).raw)
	})
	t.Run("a client that rejects authentication is refused", func(t *testing.T) {
		s := newScript(t, serverConfig())
		p := s.expect(ProtoLCP, codeConfigureRequest)
		s.in(ProtoLCP, codeConfigureReject, p.id, wantsMSCHAP)
		assert.Equal(t, ClassPolicy, only[Closing](s.end).Reason.Class)
	})
	t.Run("a client cannot Nak us into proving ourselves", func(t *testing.T) {
		s := newScript(t, clientConfig())
		p := s.expect(ProtoLCP, codeConfigureRequest)
		s.in(ProtoLCP, codeConfigureNak, p.id, wantsMSCHAP)
		p = s.expect(ProtoLCP, codeConfigureRequest)
		assert.False(t, bytes.Contains(p.data, wantsMSCHAP))
	})
	t.Run("endless Naks end", func(t *testing.T) {
		s := newScript(t, clientConfig())
		for i := range 100 {
			_, p := parse(t, s.frames[len(s.frames)-1])
			s.in(ProtoLCP, codeConfigureNak, p.id, []byte{1, 4, 0x05, byte(i)})
		}
		assert.Equal(t, ClassPeer, only[Closing](s.end).Reason.Class)
		assert.Less(t, len(s.frames), 30)
	})
}

func TestAPeerThatInsistsOnWeakAuthentication(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		text string
	}{
		"PAP":       {appendOption(nil, 3, []byte{0xC0, 0x23}), "insists on PAP"},
		"MS-CHAPv1": {appendOption(nil, 3, []byte{0xC2, 0x23, 0x80}), "insists on MS-CHAPv1"},
		"EAP":       {appendOption(nil, 3, []byte{0xC2, 0x27}), "insists on EAP"},
		"none":      {nil, "does not ask for authentication"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := clientConfig()
			cfg.Auth = []AuthMethod{MSCHAPv2}
			s := newScript(t, cfg)
			for i := range 6 {
				s.in(ProtoLCP, codeConfigureRequest, byte(i), c.in)
			}
			s.wait(10 * time.Second)
			assert.Equal(t, ClassPolicy, s.reason().Class)
			assert.Contains(t, s.reason().Message, c.text)
		})
	}
}

func TestProtocolRejects(t *testing.T) {
	up := func(t *testing.T) *pair {
		p := newPair(t, clientConfig(), serverConfig())
		p.open()
		p.run(10 * time.Second)
		p.requireUp(true)
		p.client.frames = nil
		p.client.onSend = nil
		return p
	}
	t.Run("an unknown protocol comes back", func(t *testing.T) {
		p := up(t)
		p.client.link.Input(p.now, append([]byte{0xFF, 3, 0x80, 0x29}, 1, 2, 3, 4))
		proto, got := parse(t, p.client.frames[0])
		assert.Equal(t, ProtoLCP, proto)
		assert.Equal(t, byte(codeProtocolReject), got.code)
		assert.Equal(t, []byte{0x80, 0x29, 1, 2, 3, 4}, got.data)
	})
	t.Run("cut to the peer's MRU", func(t *testing.T) {
		p := up(t)
		p.client.link.Input(p.now, append([]byte{0x80, 0x29}, make([]byte, 5000)...))
		_, got := parse(t, p.client.frames[0])
		assert.Len(t, got.raw, defaultMRU)
	})
	t.Run("at a limited rate", func(t *testing.T) {
		p := up(t)
		for range 1000 {
			p.client.link.Input(p.now, []byte{0x80, 0x29})
		}
		assert.Len(t, p.client.frames, rejectBurst)
		assert.Equal(t, uint64(1000-rejectBurst), p.client.link.Stats().RejectsSuppressed)
		p.client.link.Input(p.now.Add(rejectInterval), []byte{0x80, 0x29})
		assert.Len(t, p.client.frames, rejectBurst+1)
	})
	t.Run("not before LCP is open", func(t *testing.T) {
		s := newScript(t, clientConfig())
		s.skip()
		s.link.Input(s.now, []byte{0x80, 0x29, 1})
		s.link.Input(s.now, frameOf(ProtoIPV6CP, 1, 1, nil))
		s.quiet()
	})
	for name, proto := range map[string]uint16{"LCP": ProtoLCP, "CHAP": ProtoCHAP, "CCP": ProtoCCP, "IPCP": ProtoIPCP} {
		t.Run("nobody rejects "+name+" after having agreed to it", func(t *testing.T) {
			p := newPair(t, clientConfig(), serverConfig())
			p.open()
			p.run(10 * time.Second)
			p.requireUp(true)
			i := slices.IndexFunc(p.client.frames, func(f []byte) bool { got, _ := parse(t, f); return got == proto })
			_, ours := parse(t, p.client.frames[i])
			for n, quoted := range [][]byte{ours.raw, {1, 1, 0, 4}, nil} {
				p.client.link.Input(p.now, frameOf(ProtoLCP, codeProtocolReject, 1, append([]byte{byte(proto >> 8), byte(proto)}, quoted...)))
				assert.Equal(t, uint64(n+1), p.client.link.Stats().RejectsDisbelieved)
			}
			p.run(10 * time.Second)
			assert.Empty(t, eventsOf[NetworkDown](p.client))
		})
	}
	t.Run("the peer rejects encrypted data, or half a header", func(t *testing.T) {
		p := up(t)
		p.client.link.Input(p.now, frameOf(ProtoLCP, codeProtocolReject, 1, []byte{0, 0xFD, 0x90}))
		p.client.link.Input(p.now, frameOf(ProtoLCP, codeProtocolReject, 1, []byte{0}))
		assert.Equal(t, uint64(1), p.client.link.Stats().ProtocolRejectsIn)
		assert.Empty(t, eventsOf[Closing](p.client))
	})
}

func TestCodes(t *testing.T) {
	open := func(t *testing.T) *script {
		s := newScript(t, clientConfig())
		s.openLCP(wantsMSCHAP)
		return s
	}
	t.Run("an unknown code is rejected", func(t *testing.T) {
		s := open(t)
		s.in(ProtoLCP, 99, 5, []byte("what"))
		p := s.expect(ProtoLCP, codeCodeReject)
		assert.Equal(t, []byte{99, 5, 0, 8, 'w', 'h', 'a', 't'}, p.data)
		for range 1000 {
			s.in(ProtoLCP, 99, 5, nil)
		}
		assert.Less(t, len(s.frames), 12, "at a limited rate")
	})
	t.Run("Windows' codes are legal", func(t *testing.T) {
		s := open(t)
		for _, code := range []byte{codeDiscardRequest, codeIdentification, codeTimeRemaining} {
			s.in(ProtoLCP, code, 5, append([]byte{0, 0, 0, 0}, "MSRASV5.20"...))
		}
		s.quiet()
		assert.Zero(t, s.link.Stats().UnknownCode)
	})
	t.Run("a rejected Configure-Request is the end", func(t *testing.T) {
		s := newScript(t, clientConfig())
		ours := s.expect(ProtoLCP, codeConfigureRequest)
		s.in(ProtoLCP, codeCodeReject, 5, []byte{codeConfigureRequest, ours.id, 0, 4})
		s.in(ProtoLCP, codeCodeReject, 5, ours.raw[:len(ours.raw)-1])
		assert.Empty(t, eventsOf[Closing](s.end), "it is not the one that was sent")
		assert.Equal(t, uint64(2), s.link.Stats().RejectsDisbelieved)
		s.in(ProtoLCP, codeCodeReject, 5, ours.raw)
		assert.Equal(t, ClassPeer, only[Closing](s.end).Reason.Class)
	})
	t.Run("a Configure-Request is not rejected after it was acknowledged", func(t *testing.T) {
		s := newScript(t, clientConfig())
		ours := s.expect(ProtoLCP, codeConfigureRequest)
		s.in(ProtoLCP, codeConfigureAck, ours.id, ours.data)
		s.in(ProtoLCP, codeConfigureRequest, 1, wantsMSCHAP)
		s.in(ProtoLCP, codeCodeReject, 5, ours.raw)
		assert.Empty(t, eventsOf[Closing](s.end))
		assert.Equal(t, uint64(1), s.link.Stats().RejectsDisbelieved)
	})
	t.Run("a Terminate-Request before LCP is open", func(t *testing.T) {
		s := newScript(t, clientConfig())
		s.skip()
		s.in(ProtoLCP, codeTerminateRequest, 5, []byte("No\x1b[31m free\nport"))
		assert.Equal(t, byte(5), s.expect(ProtoLCP, codeTerminateAck).id)
		p := s.expect(ProtoLCP, codeTerminateRequest)
		s.in(ProtoLCP, codeTerminateAck, p.id, nil)
		assert.Equal(t, `the peer closed the link: "No?[31m free?port"`, s.reason().Message)
	})
	t.Run("malformed packets", func(t *testing.T) {
		s := open(t)
		for _, f := range [][]byte{nil, {0xFF}, {0xFF, 3}, {0xC0}, {0xC0, 0x20}, {0xC0, 0x21}, {0xC0, 0x21, 9, 1, 0, 3}, {0xC0, 0x21, 9, 1, 0, 5}, {0xC0, 0x21, 9, 1, 0, 5, 0}, {0xC0, 0x21, 7, 1, 0, 4}} {
			s.link.Input(s.now, f)
		}
		s.quiet()
		// FF alone is a protocol, if an unknown one.
		assert.Equal(t, uint64(9), s.link.Stats().Malformed)
	})
	t.Run("padding is not data", func(t *testing.T) {
		s := open(t)
		s.link.Input(s.now, append(frameOf(ProtoLCP, codeEchoRequest, 1, []byte{0, 0, 0, 0, 'x'}), 0, 0, 0))
		assert.Equal(t, "x", string(s.expect(ProtoLCP, codeEchoReply).data[4:]))
	})
}

func TestTimeBackwards(t *testing.T) {
	s := newScript(t, clientConfig())
	s.link.Tick(s.now.Add(-time.Hour))
	d, ok := s.link.Deadline()
	require.True(t, ok)
	assert.Equal(t, epoch.Add(defaultRestartTimer), d)
}
