package ppp

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inNetwork is a link that has just begun IPCP, without encryption; a server has
// been given the password by PAP.
func inNetwork(t *testing.T, cfg Config) *script {
	cfg.MPPE.Mode = Off
	cfg.Auth = []AuthMethod{PAP}
	s := newScript(t, cfg)
	if cfg.Server {
		s.openLCP(nil)
		s.in(ProtoPAP, papRequest, 1, append(append([]byte{3}, "lab"...), append([]byte{byte(len(testPassword))}, testPassword...)...))
		s.expect(ProtoPAP, papAck)
	} else {
		s.openLCP(appendOption(nil, lcpOptAuth, PAP.option()))
		p := s.expect(ProtoPAP, papRequest)
		s.in(ProtoPAP, papAck, p.id, nil)
	}
	return s
}

func TestIPCPServerAnswers(t *testing.T) {
	right := []byte{3, 6, 10, 99, 0, 100}
	for name, c := range map[string]struct {
		in   []byte
		code byte
		out  []byte
	}{
		"right":            {right, codeConfigureAck, right},
		"0.0.0.0":          {[]byte{3, 6, 0, 0, 0, 0}, codeConfigureNak, right},
		"another":          {[]byte{3, 6, 192, 168, 1, 1}, codeConfigureNak, right},
		"ours":             {[]byte{3, 6, 10, 99, 0, 1}, codeConfigureNak, right},
		"short":            {[]byte{3, 3, 10}, codeConfigureNak, right},
		"none":             {nil, codeConfigureNak, right},
		"VJ":               {slices.Concat([]byte{2, 6, 0, 0x2D, 15, 1}, right), codeConfigureReject, []byte{2, 6, 0, 0x2D, 15, 1}},
		"deprecated":       {slices.Concat([]byte{1, 10, 1, 2, 3, 4, 5, 6, 7, 8}, right), codeConfigureReject, []byte{1, 10, 1, 2, 3, 4, 5, 6, 7, 8}},
		"DNS":              {slices.Concat(right, []byte{129, 6, 0, 0, 0, 0, 131, 6, 0, 0, 0, 0}), codeConfigureNak, []byte{129, 6, 10, 99, 0, 53, 131, 6, 10, 99, 1, 53}},
		"DNS as offered":   {slices.Concat(right, []byte{129, 6, 10, 99, 0, 53}), codeConfigureAck, slices.Concat(right, []byte{129, 6, 10, 99, 0, 53})},
		"NBNS we lack":     {slices.Concat([]byte{130, 6, 0, 0, 0, 0}, right, []byte{132, 6, 0, 0, 0, 0}), codeConfigureReject, []byte{130, 6, 0, 0, 0, 0, 132, 6, 0, 0, 0, 0}},
		"Windows' list":    {slices.Concat([]byte{3, 6, 0, 0, 0, 0, 129, 6, 0, 0, 0, 0, 130, 6, 0, 0, 0, 0, 131, 6, 0, 0, 0, 0, 132, 6, 0, 0, 0, 0}), codeConfigureReject, []byte{130, 6, 0, 0, 0, 0, 132, 6, 0, 0, 0, 0}},
		"an address twice": {slices.Concat(right, right), codeConfigureReject, right},
	} {
		t.Run(name, func(t *testing.T) {
			s := inNetwork(t, serverConfig())
			assert.Equal(t, []byte{3, 6, 10, 99, 0, 1}, s.expect(ProtoIPCP, codeConfigureRequest).data)
			s.in(ProtoIPCP, codeConfigureRequest, 5, c.in)
			assert.Equal(t, string(c.out), string(s.expect(ProtoIPCP, c.code).data))
			s.quiet()
		})
	}
	t.Run("its address stays, whatever the client suggests", func(t *testing.T) {
		s := inNetwork(t, serverConfig())
		p := s.expect(ProtoIPCP, codeConfigureRequest)
		s.in(ProtoIPCP, codeConfigureNak, p.id, []byte{3, 6, 10, 0, 0, 1})
		assert.Equal(t, p.data, s.expect(ProtoIPCP, codeConfigureRequest).data)
	})
}

func TestIPCPClientAnswers(t *testing.T) {
	outer := netip.MustParseAddr("192.0.2.1")
	for name, c := range map[string]struct {
		in   []byte
		code byte
	}{
		"an address":          {[]byte{3, 6, 10, 99, 0, 1}, codeConfigureAck},
		"none":                {nil, codeConfigureAck},
		"0.0.0.0":             {[]byte{3, 6, 0, 0, 0, 0}, codeConfigureReject},
		"loopback":            {[]byte{3, 6, 127, 0, 0, 1}, codeConfigureAck},
		"multicast":           {[]byte{3, 6, 224, 0, 0, 1}, codeConfigureAck},
		"broadcast":           {[]byte{3, 6, 255, 255, 255, 255}, codeConfigureAck},
		"ours":                {[]byte{3, 6, 10, 99, 0, 100}, codeConfigureAck},
		"the outer address":   {[]byte{3, 6, 192, 0, 2, 1}, codeConfigureAck},
		"short":               {[]byte{3, 4, 10, 99}, codeConfigureReject},
		"asks us for DNS":     {[]byte{129, 6, 0, 0, 0, 0}, codeConfigureReject},
		"header compression":  {[]byte{2, 6, 0, 0x2D, 15, 0}, codeConfigureReject},
		"something not known": {[]byte{144, 6, 255, 255, 255, 0}, codeConfigureReject},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := clientConfig()
			cfg.Forbidden = []netip.Addr{outer}
			s := inNetwork(t, cfg)
			p := s.expect(ProtoIPCP, codeConfigureRequest)
			s.in(ProtoIPCP, codeConfigureNak, p.id, []byte{3, 6, 10, 99, 0, 100})
			p = s.expect(ProtoIPCP, codeConfigureRequest)
			s.in(ProtoIPCP, codeConfigureRequest, 5, c.in)
			assert.Equal(t, string(c.in), string(s.expect(ProtoIPCP, c.code).data))
			if c.code != codeConfigureAck {
				return
			}
			// It is acknowledged whatever it is, and used only if packets can be sent to it.
			s.in(ProtoIPCP, codeConfigureAck, p.id, p.data)
			up := only[NetworkUp](s.end)
			assert.Equal(t, name == "an address", up.Remote.IsValid(), "%+v", up)
			assert.Equal(t, name != "an address" && name != "none", up.Unused.IsValid(), "%+v", up)
		})
	}
}

func TestIPCPClientRequests(t *testing.T) {
	t.Run("a name server is rejected", func(t *testing.T) {
		s := inNetwork(t, clientConfig())
		p := s.expect(ProtoIPCP, codeConfigureRequest)
		s.in(ProtoIPCP, codeConfigureReject, p.id, []byte{131, 6, 0, 0, 0, 0})
		assert.Equal(t, []byte{3, 6, 0, 0, 0, 0, 129, 6, 0, 0, 0, 0}, s.expect(ProtoIPCP, codeConfigureRequest).data)
	})
	t.Run("asks, is told, and has it", func(t *testing.T) {
		s := inNetwork(t, clientConfig())
		p := s.expect(ProtoIPCP, codeConfigureRequest)
		assert.Equal(t, []byte{3, 6, 0, 0, 0, 0, 129, 6, 0, 0, 0, 0, 131, 6, 0, 0, 0, 0}, p.data)
		s.in(ProtoIPCP, codeConfigureNak, p.id, []byte{3, 6, 10, 99, 0, 100, 129, 6, 10, 99, 0, 53, 130, 6, 10, 99, 0, 54, 131, 6, 10, 99, 1, 53})
		p = s.expect(ProtoIPCP, codeConfigureRequest)
		assert.Equal(t, []byte{3, 6, 10, 99, 0, 100, 129, 6, 10, 99, 0, 53, 131, 6, 10, 99, 1, 53}, p.data, "no NBNS, which nobody asked for")
		s.in(ProtoIPCP, codeConfigureAck, p.id, p.data)
		s.in(ProtoIPCP, codeConfigureRequest, 1, []byte{3, 6, 10, 99, 0, 1})
		up := only[NetworkUp](s.end)
		assert.Equal(t, NetworkUp{Local: clientAddr, Remote: serverAddr, DNS: []netip.Addr{dns1, dns2}, SendMRU: 1500, EchoNonce: s.link.lcp.nonce}, up)
	})
	for name, f := range map[string]func(*script, packet){
		"an Ack of 0.0.0.0":       func(s *script, p packet) { s.in(ProtoIPCP, codeConfigureAck, p.id, p.data) },
		"the address is rejected": func(s *script, p packet) { s.in(ProtoIPCP, codeConfigureReject, p.id, p.data[:6]) },
		"only useless suggestions": func(s *script, p packet) {
			for range 50 {
				s.in(ProtoIPCP, codeConfigureNak, p.id, []byte{3, 6, 127, 0, 0, 1})
				_, p = parse(s.t, s.frames[len(s.frames)-1])
			}
		},
		"IPCP terminated": func(s *script, _ packet) { s.in(ProtoIPCP, codeTerminateRequest, 1, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			s := inNetwork(t, clientConfig())
			f(s, s.expect(ProtoIPCP, codeConfigureRequest))
			s.wait(10 * time.Second)
			assert.Equal(t, ClassPeer, s.reason().Class)
		})
	}
	t.Run("silence", func(t *testing.T) {
		s := inNetwork(t, clientConfig())
		s.wait(60 * time.Second)
		assert.Equal(t, ClassTimeout, s.reason().Class)
	})
	t.Run("closed after it was up", func(t *testing.T) {
		s := inNetwork(t, clientConfig())
		openIPCP(s)
		s.in(ProtoIPCP, codeTerminateRequest, 1, nil)
		require.Empty(t, eventsOf[NetworkDown](s.end), "the peer may not have said so")
		s.skip()
		s.wait(maxDoubt)
		only[NetworkDown](s.end)
		s.expect(ProtoLCP, codeConfigureRequest) // it may want the link anew, or end it
		s.wait(time.Minute)
		assert.Equal(t, ClassTimeout, s.reason().Class)
	})
}

func TestIPV6CPAnswers(t *testing.T) {
	open := func(t *testing.T) (*script, packet) {
		cfg := clientConfig()
		cfg.IPv6 = true
		s := inNetwork(t, cfg)
		s.expect(ProtoIPCP, codeConfigureRequest)
		return s, s.expect(ProtoIPV6CP, codeConfigureRequest)
	}
	id := []byte{1, 10, 0, 0, 0, 0, 0, 0, 0, 5}
	for name, c := range map[string]struct {
		in   func(ours []byte) []byte
		code byte
	}{
		"an identifier":    {func([]byte) []byte { return id }, codeConfigureAck},
		"0":                {func([]byte) []byte { return appendOption(nil, 1, make([]byte, 8)) }, codeConfigureNak},
		"ours":             {func(ours []byte) []byte { return ours }, codeConfigureNak},
		"short":            {func([]byte) []byte { return id[:0:0] }, codeConfigureNak},
		"wrong length":     {func([]byte) []byte { return []byte{1, 4, 1, 2} }, codeConfigureNak},
		"with compression": {func([]byte) []byte { return slices.Concat(id, []byte{2, 4, 0, 0x61}) }, codeConfigureReject},
	} {
		t.Run(name, func(t *testing.T) {
			s, ours := open(t)
			s.in(ProtoIPV6CP, codeConfigureRequest, 1, c.in(ours.data))
			p := s.expect(ProtoIPV6CP, c.code)
			if c.code == codeConfigureNak {
				require.Len(t, p.data, 10)
				assert.NotEqual(t, make([]byte, 8), p.data[2:])
				assert.NotEqual(t, ours.data, p.data)
			}
		})
	}
	t.Run("a peer without identifiers keeps IPv4", func(t *testing.T) {
		s, ours := open(t)
		s.in(ProtoIPV6CP, codeConfigureReject, ours.id, ours.data)
		s.next = 0
		for proto := uint16(0); proto != ProtoIPCP; s.next++ {
			proto, _ = parse(t, s.frames[s.next])
		}
		s.next--
		ipcp := s.expect(ProtoIPCP, codeConfigureRequest)
		s.skip()
		s.in(ProtoIPCP, codeConfigureNak, ipcp.id, []byte{3, 6, 10, 99, 0, 100})
		ipcp = s.expect(ProtoIPCP, codeConfigureRequest)
		s.in(ProtoIPCP, codeConfigureAck, ipcp.id, ipcp.data)
		s.in(ProtoIPCP, codeConfigureRequest, 1, []byte{3, 6, 10, 99, 0, 1})
		s.wait(time.Hour)
		assert.False(t, only[NetworkUp](s.end).LocalIPv6.IsValid())
	})
	t.Run("a Nak is followed", func(t *testing.T) {
		s, ours := open(t)
		s.in(ProtoIPV6CP, codeConfigureNak, ours.id, id)
		assert.Equal(t, id, s.expect(ProtoIPV6CP, codeConfigureRequest).data)
	})
}
