package ppp

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConfigErrors(t *testing.T) {
	for name, c := range map[string]struct {
		server bool
		change func(*Config)
		want   string
	}{
		"no random source":         {false, func(c *Config) { c.Rand = nil }, "Rand"},
		"MRU too small":            {false, func(c *Config) { c.MRU = 100 }, "MRU 100"},
		"negative counter":         {false, func(c *Config) { c.EchoFailures = -1 }, "negative"},
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

func TestNamesOfSettings(t *testing.T) {
	for in, want := range map[string]AuthMethod{
		"mschapv2": MSCHAPv2, "MS-CHAPv2": MSCHAPv2, "mschap-v2": MSCHAPv2, "chap-md5": CHAPMD5, "chap": CHAPMD5, "PAP": PAP,
	} {
		got, err := ParseAuthMethod(in)
		require.NoError(t, err)
		assert.Equal(t, want, got, in)
	}
	_, err := ParseAuthMethod("mschap")
	assert.ErrorContains(t, err, `"mschap"`)
	for _, m := range []MPPEMode{Require128, Require, Allow, Off} {
		got, err := ParseMPPEMode(m.String())
		require.NoError(t, err)
		assert.Equal(t, m, got)
	}
	_, err = ParseMPPEMode("maybe")
	assert.ErrorContains(t, err, `"maybe"`)
	for c := ClassAdmin; c <= ClassLoop; c++ {
		assert.NotContains(t, c.String(), "(")
	}
	for p := phaseDead; p <= phaseTerminate; p++ {
		assert.NotEmpty(t, p.String())
	}
}
