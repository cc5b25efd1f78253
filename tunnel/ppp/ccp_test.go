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

// bits is option 18.
func bits(b uint32) []byte { return appendMPPE(nil, b) }

// authenticated is a client in the network phase, with its first CCP request.
func authenticated(t *testing.T, cfg Config) (*script, packet) {
	s, response := challenged(t, cfg)
	s.in(ProtoCHAP, chapSuccess, 9, successFor(t, response, "0123456789abcdef", testPassword))
	return s, s.expect(ProtoCCP, codeConfigureRequest)
}

// encryptedScript is a client whose CCP is open.
func encryptedScript(t *testing.T, cfg Config) *script {
	s, ours := authenticated(t, cfg)
	s.in(ProtoCCP, codeConfigureAck, ours.id, ours.data)
	s.in(ProtoCCP, codeConfigureRequest, 1, ours.data)
	s.expect(ProtoCCP, codeConfigureAck)
	only[EncryptionUp](s.end)
	return s
}

func TestCCPAnswers(t *testing.T) {
	const h = mppeStateless
	for name, c := range map[string]struct {
		policy MPPEPolicy
		in     []byte
		code   byte
		out    []byte
	}{
		"pppd's own":                 {MPPEPolicy{}, bits(h | mppe128), codeConfigureAck, bits(h | mppe128)},
		"several bits":               {MPPEPolicy{}, bits(h | mppe128 | mppe40 | mppe56), codeConfigureNak, bits(h | mppe128)},
		"stateful":                   {MPPEPolicy{}, bits(mppe128), codeConfigureNak, bits(h | mppe128)},
		"too weak":                   {MPPEPolicy{}, bits(h | mppe40), codeConfigureNak, bits(h | mppe128)},
		"nothing at all":             {MPPEPolicy{}, bits(0), codeConfigureNak, bits(h | mppe128)},
		"the obsolete bit":           {MPPEPolicy{}, bits(h | mppe128 | mppeObsolete), codeConfigureNak, bits(h | mppe128)},
		"with MPPC":                  {MPPEPolicy{}, bits(h | mppe128 | mppeMPPC), codeConfigureNak, bits(h | mppe128)},
		"only MPPC":                  {MPPEPolicy{}, bits(mppeMPPC), codeConfigureNak, bits(h | mppe128)},
		"reserved bits":              {MPPEPolicy{}, bits(h | mppe128 | 0x400), codeConfigureNak, bits(h | mppe128)},
		"wrong length":               {MPPEPolicy{}, appendOption(nil, 18, []byte{1}), codeConfigureNak, bits(h | mppe128)},
		"empty":                      {MPPEPolicy{}, nil, codeConfigureNak, bits(h | mppe128)},
		"the strongest of two":       {MPPEPolicy{Mode: Require}, bits(h | mppe56 | mppe40), codeConfigureNak, bits(h | mppe56)},
		"stateful where it may":      {MPPEPolicy{Stateful: StatefulAllowed}, bits(mppe128), codeConfigureAck, bits(mppe128)},
		"zero where stateful may":    {MPPEPolicy{Stateful: StatefulAllowed}, bits(0), codeConfigureNak, bits(h | mppe128)},
		"stateless where it may not": {MPPEPolicy{Stateful: StatefulRequired}, bits(h | mppe128), codeConfigureNak, bits(mppe128)},
		"pppd's other methods": {MPPEPolicy{}, slices.Concat(bits(h|mppe128), []byte{26, 4, 0x78, 0}, []byte{24, 4, 0x78, 0}, []byte{21, 3, 0x2F}), codeConfigureReject,
			[]byte{26, 4, 0x78, 0, 24, 4, 0x78, 0, 21, 3, 0x2F}},
		"MPPE twice": {MPPEPolicy{}, slices.Concat(bits(h|mppe128), bits(h|mppe128)), codeConfigureReject, bits(h | mppe128)},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := clientConfig()
			cfg.MPPE = c.policy
			s, _ := authenticated(t, cfg)
			s.in(ProtoCCP, codeConfigureRequest, 4, c.in)
			assert.Equal(t, string(c.out), string(s.expect(ProtoCCP, c.code).data))
			s.quiet()
		})
	}
}

func TestCCPOurRequests(t *testing.T) {
	for name, c := range map[string]struct {
		policy MPPEPolicy
		want   uint32
	}{
		"default":           {MPPEPolicy{}, mppeStateless | mppe128},
		"any":               {MPPEPolicy{Mode: Require}, mppeStateless | mppe128 | mppe56 | mppe40},
		"40":                {MPPEPolicy{Mode: Allow, Strengths: []int{40}}, mppeStateless | mppe40},
		"stateful required": {MPPEPolicy{Stateful: StatefulRequired}, mppe128},
		"stateful allowed":  {MPPEPolicy{Stateful: StatefulAllowed}, mppeStateless | mppe128},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := clientConfig()
			cfg.MPPE = c.policy
			_, p := authenticated(t, cfg)
			assert.Equal(t, bits(c.want), p.data)
		})
	}
	t.Run("an Ack of several strengths does not count", func(t *testing.T) {
		cfg := clientConfig()
		cfg.MPPE.Mode = Require
		s, p := authenticated(t, cfg)
		s.in(ProtoCCP, codeConfigureAck, p.id, p.data)
		s.wait(defaultRestartTimer)
		p = s.expect(ProtoCCP, codeConfigureRequest)
		assert.Equal(t, bits(mppeStateless|mppe128), p.data)
	})
	t.Run("a Nak is followed where it is allowed", func(t *testing.T) {
		cfg := clientConfig()
		cfg.MPPE.Mode = Require
		s, p := authenticated(t, cfg)
		s.in(ProtoCCP, codeConfigureNak, p.id, bits(mppeStateless|mppe40))
		assert.Equal(t, bits(mppeStateless|mppe40), s.expect(ProtoCCP, codeConfigureRequest).data)
	})
}

func TestEncryptionIsNotGivenUp(t *testing.T) {
	for name, f := range map[string]func(s *script, ours packet){
		"Configure-Reject": func(s *script, ours packet) { s.in(ProtoCCP, codeConfigureReject, ours.id, ours.data) },
		"Nak to 40 bits":   func(s *script, ours packet) { s.in(ProtoCCP, codeConfigureNak, ours.id, bits(mppeStateless|mppe40)) },
		"Nak to nothing":   func(s *script, ours packet) { s.in(ProtoCCP, codeConfigureNak, ours.id, bits(0)) },
		"Nak to stateful":  func(s *script, ours packet) { s.in(ProtoCCP, codeConfigureNak, ours.id, bits(mppe128)) },
		"Protocol-Reject": func(s *script, ours packet) {
			s.in(ProtoLCP, codeProtocolReject, 1, append([]byte{0x80, 0xFD}, ours.raw...))
		},
		"CCP terminated":      func(s *script, _ packet) { s.in(ProtoCCP, codeTerminateRequest, 1, nil) },
		"silence":             func(s *script, _ packet) { s.wait(35 * time.Second) },
		"empty requests":      func(s *script, _ packet) { repeat(s, nil) },
		"requests of no bits": func(s *script, _ packet) { repeat(s, bits(0)) },
		"requests of 40 bits": func(s *script, _ packet) { repeat(s, bits(mppeStateless|mppe40)) },
		"endless Naks":        func(s *script, ours packet) { nakForEver(s) },
		"code 1 rejected":     func(s *script, ours packet) { s.in(ProtoCCP, codeCodeReject, 1, ours.raw) },
	} {
		t.Run("before it is up: "+name, func(t *testing.T) {
			s, ours := authenticated(t, clientConfig())
			f(s, ours)
			s.wait(10 * time.Second)
			assert.Equal(t, ClassPolicy, s.reason().Class)
			assert.Contains(t, s.reason().Message, "encryption is required")
			assert.Empty(t, eventsOf[NetworkUp](s.end))
			for _, frame := range s.frames {
				proto, _ := parse(t, frame)
				assert.NotEqual(t, ProtoIPCP, proto, "IPCP does not begin without encryption")
			}
			assert.Less(t, len(s.frames), 60)
		})
	}
	for name, f := range map[string]func(s *script){
		"CCP terminated":         func(s *script) { s.in(ProtoCCP, codeTerminateRequest, 1, nil) },
		"renegotiation, weaker":  func(s *script) { s.in(ProtoCCP, codeConfigureRequest, 9, bits(mppeStateless|mppe40)) },
		"renegotiation, nothing": func(s *script) { s.in(ProtoCCP, codeConfigureRequest, 9, nil) },
	} {
		for _, mode := range []MPPEMode{Require128, Allow} {
			t.Run("after it is up: "+name+" "+mode.String(), func(t *testing.T) {
				cfg := clientConfig()
				cfg.MPPE = MPPEPolicy{Mode: mode, Strengths: []int{128}}
				s := encryptedScript(t, cfg)
				f(s)
				s.wait(10 * time.Second)
				assert.Equal(t, ClassPolicy, s.reason().Class)
				only[EncryptionUp](s.end)
			})
		}
	}
}

// repeat sends the same options under new identifiers.
func repeat(s *script, options []byte) {
	for i := range 20 {
		s.in(ProtoCCP, codeConfigureRequest, byte(100+i), options)
	}
}

// nakForEver refuses everything with what is allowed.
func nakForEver(s *script) {
	for range 100 {
		_, p := parse(s.t, s.frames[len(s.frames)-1])
		if p.code == codeConfigureRequest {
			s.in(ProtoCCP, codeConfigureNak, p.id, bits(mppeStateless|mppe128))
		}
	}
}

// openIPCP completes IPCP on a client.
func openIPCP(s *script) {
	s.t.Helper()
	ours := s.expect(ProtoIPCP, codeConfigureRequest)
	s.in(ProtoIPCP, codeConfigureNak, ours.id, slices.Concat([]byte{3, 6, 10, 99, 0, 100}, []byte{129, 6, 10, 99, 0, 53}, []byte{131, 6, 10, 99, 0, 53}))
	ours = s.expect(ProtoIPCP, codeConfigureRequest)
	s.in(ProtoIPCP, codeConfigureAck, ours.id, ours.data)
	s.in(ProtoIPCP, codeConfigureRequest, 1, []byte{3, 6, 10, 99, 0, 1})
	s.expect(ProtoIPCP, codeConfigureAck)
	require.NotEmpty(s.t, eventsOf[NetworkUp](s.end))
}

func TestLostAckOfCCP(t *testing.T) {
	s := encryptedScript(t, clientConfig())
	s.skip()
	for _, id := range []byte{1, 2, 3} { // the same request, as pppd and as Windows repeat it
		s.in(ProtoCCP, codeConfigureRequest, id, bits(mppeStateless|mppe128))
		assert.Equal(t, id, s.expect(ProtoCCP, codeConfigureAck).id)
	}
	assert.Empty(t, eventsOf[Closing](s.end))
	only[EncryptionUp](s.end)
}

func TestClearWhereItIsAllowed(t *testing.T) {
	for name, f := range map[string]func(s *script, ours packet){
		"Configure-Reject": func(s *script, ours packet) { s.in(ProtoCCP, codeConfigureReject, ours.id, ours.data) },
		"Protocol-Reject": func(s *script, ours packet) {
			s.in(ProtoLCP, codeProtocolReject, 1, append([]byte{0x80, 0xFD}, ours.raw...))
		},
		"CCP terminated": func(s *script, _ packet) { s.in(ProtoCCP, codeTerminateRequest, 1, nil) },
		"silence":        func(s *script, _ packet) { s.wait(defaultRestartTimer) },
		"empty requests": func(s *script, _ packet) { repeat(s, nil) },
		"no bits":        func(s *script, _ packet) { repeat(s, bits(0)) },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := clientConfig()
			cfg.MPPE.Mode = Allow
			s, ours := authenticated(t, cfg)
			f(s, ours)
			i := slices.IndexFunc(s.frames, func(f []byte) bool { return bytes.HasPrefix(f, []byte{0xFF, 3, 0x80, 0x21}) })
			require.Positive(t, i, "IPCP begins")
			s.next = i
			openIPCP(s)
			assert.Empty(t, eventsOf[EncryptionUp](s.end))
			assert.Empty(t, eventsOf[Closing](s.end))
		})
	}
}

func TestOffAnswersCCPWithProtocolReject(t *testing.T) {
	cfg := clientConfig()
	cfg.MPPE.Mode = Off
	s, response := challenged(t, cfg)
	s.in(ProtoCHAP, chapSuccess, 9, successFor(t, response, "0123456789abcdef", testPassword))
	s.expect(ProtoIPCP, codeConfigureRequest)
	s.in(ProtoCCP, codeConfigureRequest, 1, bits(mppeStateless|mppe128))
	p := s.expect(ProtoLCP, codeProtocolReject)
	assert.Equal(t, uint16(ProtoCCP), binary.BigEndian.Uint16(p.data))
	assert.Equal(t, []byte{1, 1, 0, 10, 18, 6, 1, 0, 0, 0x40}, p.data[2:])
}

func TestIPCPWaitsForEncryption(t *testing.T) {
	cfg := clientConfig()
	cfg.RequestDNS = false
	s, ours := authenticated(t, cfg)
	s.in(ProtoIPCP, codeConfigureRequest, 1, []byte{3, 6, 10, 99, 0, 7})
	s.in(ProtoIPCP, codeConfigureRequest, 2, []byte{3, 6, 10, 99, 0, 1})
	s.quiet()
	s.in(ProtoCCP, codeConfigureAck, ours.id, ours.data)
	s.quiet()
	s.in(ProtoCCP, codeConfigureRequest, 1, ours.data)
	s.expect(ProtoCCP, codeConfigureAck)
	s.expect(ProtoIPCP, codeConfigureRequest)
	p := s.expect(ProtoIPCP, codeConfigureAck)
	assert.Equal(t, byte(2), p.id, "the last request held is answered")
	s.quiet()
}

func TestResets(t *testing.T) {
	cfg := clientConfig()
	cfg.MPPE.Stateful = StatefulRequired
	t.Run("ours: one at a time, once a second", func(t *testing.T) {
		s := encryptedScript(t, cfg)
		s.skip()
		for range 100 {
			s.link.RequestReset(s.now)
		}
		p := s.expect(ProtoCCP, codeResetRequest)
		s.quiet()
		s.wait(time.Second)
		again := s.expect(ProtoCCP, codeResetRequest)
		assert.Equal(t, p.raw, again.raw)
		s.in(ProtoCCP, codeResetAck, p.id+1, nil)
		assert.False(t, s.link.ccp.reset.timer.IsZero(), "an answer to another request")
		assert.EqualValues(t, 1, s.link.stats.WrongID)
		s.in(ProtoCCP, codeResetAck, p.id, nil)
		assert.True(t, s.link.ccp.reset.timer.IsZero())
		s.in(ProtoCCP, codeResetAck, p.id, nil)
		assert.EqualValues(t, 2, s.link.stats.WrongID)
		s.link.RequestReset(s.now)
		s.skip()
		s.link.ResetDone(s.now)
		s.wait(2 * time.Second)
		for _, f := range s.frames[s.next:] {
			proto, _ := parse(t, f)
			assert.NotEqual(t, ProtoCCP, proto)
		}
	})
	t.Run("the peer's", func(t *testing.T) {
		s := encryptedScript(t, cfg)
		s.skip()
		s.in(ProtoCCP, codeResetRequest, 77, nil)
		assert.Equal(t, byte(77), s.expect(ProtoCCP, codeResetAck).id)
		only[ResetRequested](s.end)
	})
	t.Run("stateless needs none", func(t *testing.T) {
		s := encryptedScript(t, clientConfig())
		s.skip()
		s.link.RequestReset(s.now)
		s.quiet()
		s.in(ProtoCCP, codeResetRequest, 77, nil)
		s.expect(ProtoCCP, codeResetAck)
		assert.Empty(t, eventsOf[ResetRequested](s.end))
	})
	t.Run("not before CCP is open", func(t *testing.T) {
		s, _ := authenticated(t, cfg)
		s.link.RequestReset(s.now)
		s.in(ProtoCCP, codeResetRequest, 1, nil)
		s.in(ProtoCCP, codeResetAck, 1, nil)
		s.quiet()
	})
}
