package netdev

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseRoute(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.0/8":       "10.0.0.0/8",
		"192.0.2.5":        "192.0.2.5/32",
		"192.0.2.5/32":     "192.0.2.5/32",
		"0.0.0.0/1":        "0.0.0.0/1",
		"2001:db8::/32":    "2001:db8::/32",
		"2001:db8::1":      "2001:db8::1/128",
		"::ffff:192.0.2.1": "192.0.2.1/32",
		"::/0":             "::/0",
	} {
		got, err := ParseRoute(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got.String())
	}
	for in, want := range map[string]string{
		"":             "is no network",
		"10.0.0.0/33":  "is no network",
		"10.0.0/8":     "is no network",
		"office":       "write ADDRESS/BITS",
		"10.0.0.0/-1":  "is no network",
		"10.1.2.3/8":   "write 10.0.0.0/8 for the network, or 10.1.2.3 for the one host",
		"0.0.0.0/0":    "use --default-route",
		"224.0.0.0/4":  "multicast",
		"fe80::1%eth0": "is no network",
	} {
		_, err := ParseRoute(in)
		require.Error(t, err, in)
		assert.ErrorContains(t, err, want)
		if in != "" {
			assert.ErrorContains(t, err, in, "names the value")
		}
	}
}

func FuzzParseRoute(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "10.1.2.3/8", "::/0", "192.0.2.5", "x", "10.0.0.0/33", "::ffff:10.0.0.0/104"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseRoute(s)
		if err != nil {
			return
		}
		again, err := ParseRoute(p.String())
		require.NoError(t, err)
		assert.Equal(t, p, again)
	})
}

func TestNewSetupRefuses(t *testing.T) {
	a := netip.MustParseAddr
	good := Settings{Device: "t0", MTU: 1400, Local: a("10.0.0.2"), Remote: a("10.0.0.1"), Server: a("198.51.100.7")}
	_, err := NewSetup(good)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		change func(*Settings)
		want   string
	}{
		"bad device name":     {func(s *Settings) { s.Device = "a/b" }, `"a/b"`},
		"MTU too small":       {func(s *Settings) { s.MTU = 67 }, "MTU 67"},
		"MTU without IPv6":    {func(s *Settings) { s.MTU = 1279; s.Local6 = a("fe80::1") }, "MTU 1279 is too small for IPv6"},
		"local is IPv6":       {func(s *Settings) { s.Local = a("fe80::1") }, "local tunnel address fe80::1"},
		"local is 0.0.0.0":    {func(s *Settings) { s.Local = a("0.0.0.0") }, "0.0.0.0"},
		"remote is multicast": {func(s *Settings) { s.Remote = a("224.0.0.1") }, "remote tunnel address 224.0.0.1"},
		"remote alone":        {func(s *Settings) { s.Local = netip.Addr{} }, "without a local one"},
		"local6 is global":    {func(s *Settings) { s.Local6 = a("2001:db8::1") }, "2001:db8::1 is not a link-local"},
		"both the same":       {func(s *Settings) { s.Remote = s.Local }, "both 10.0.0.2"},
		"default, no server":  {func(s *Settings) { s.DefaultRoute = true; s.Server = netip.Addr{} }, "outer address"},
		"default, no address": {func(s *Settings) { s.DefaultRoute = true; s.Local, s.Remote = netip.Addr{}, netip.Addr{} }, "needs an IPv4 address"},
		"IPv6 route, no IPv6": {func(s *Settings) { s.Routes = []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")} }, "carries no IPv6"},
		"IPv4 route, no IPv4": {func(s *Settings) {
			s.Local, s.Remote = netip.Addr{}, netip.Addr{}
			s.Routes = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}, "no IPv4 address"},
		"invalid route": {func(s *Settings) { s.Routes = []netip.Prefix{{}} }, "is no network"},
		"host bits":     {func(s *Settings) { s.Routes = []netip.Prefix{netip.MustParsePrefix("10.1.2.3/8")} }, "10.1.2.3/8"},
	} {
		t.Run(name, func(t *testing.T) {
			s := good
			tc.change(&s)
			_, err := NewSetup(s)
			require.Error(t, err)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}
