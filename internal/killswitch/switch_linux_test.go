//go:build !nokillswitch

package killswitch

import (
	"log/slog"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/claim"
	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

func nft(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("nft", args...).CombinedOutput()
	require.NoError(t, err, "nft %v: %s", args, out)
	return string(out)
}

// TestTable: the rules are what nft shows, and go whole.
func TestTable(t *testing.T) {
	labtest.Enter(t)
	nft(t, "add", "table", "inet", "arc4-1") // somebody else's, of that name
	before := nft(t, "list", "ruleset")
	s, err := Up(Config{Mark: 0xa4, Excluded: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("10.1.2.3/32"), netip.MustParsePrefix("2001:db8::/33")}, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, s.Admit("arc40"))
	require.NoError(t, s.Admit("arc40"))
	got := nft(t, "-n", "list", "table", "inet", s.Name())
	var rules []string
	for line := range strings.Lines(got) {
		rules = append(rules, strings.TrimSpace(line))
	}
	assert.Equal(t, []string{
		"table inet " + s.Name() + " {",
		"chain leaving {",
		"type filter hook postrouting priority 200; policy drop;",
		`oifname "lo" counter packets 0 bytes 0 accept`,
		"meta mark 0x000000a4 counter packets 0 bytes 0 accept",
		"meta nfproto 2 udp sport 68 udp dport 67 counter packets 0 bytes 0 accept",
		"meta nfproto 10 udp sport 546 udp dport 547 counter packets 0 bytes 0 accept",
		"icmpv6 type 133 counter packets 0 bytes 0 accept",
		"icmpv6 type 135 counter packets 0 bytes 0 accept",
		"icmpv6 type 136 counter packets 0 bytes 0 accept",
		"icmpv6 type 131 counter packets 0 bytes 0 accept",
		"icmpv6 type 132 counter packets 0 bytes 0 accept",
		"icmpv6 type 143 counter packets 0 bytes 0 accept",
		`oifname "arc40" counter packets 0 bytes 0 accept`,
		`iifname "arc40" counter packets 0 bytes 0 accept`,
		"ip daddr 192.168.0.0/16 counter packets 0 bytes 0 accept",
		"ip daddr 10.1.2.3 counter packets 0 bytes 0 accept",
		"ip6 daddr 2001:db8::/33 counter packets 0 bytes 0 accept",
		"}", "}",
	}, rules)
	require.NoError(t, Sweep(slog.New(slog.DiscardHandler)))
	assert.Contains(t, nft(t, "list", "ruleset"), s.Name(), "of a process that lives")
	require.NoError(t, s.Down())
	require.NoError(t, s.Down(), "once is enough")
	assert.Equal(t, before, nft(t, "list", "ruleset"))
}

// TestSweep: what nobody has any more goes, and what is somebody else's stays.
func TestSweep(t *testing.T) {
	labtest.Enter(t)
	for _, name := range []string{"arc4-1", "arc4-office", "arc4-165000000", "tunnel-164000001"} {
		nft(t, "add", "table", "inet", name)
	}
	nft(t, "add", "table", "ip", "arc4-164000002")
	before := nft(t, "list", "ruleset")
	left, err := Up(Config{Mark: 1, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	left.Keep()
	require.False(t, claim.Held(left.claim.Number))
	require.NotEqual(t, before, nft(t, "list", "ruleset"))
	require.False(t, left.Follows)
	next, err := Up(Config{Mark: 2, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.True(t, next.Follows)
	require.NoError(t, next.Down())
	require.NoError(t, Sweep(slog.New(slog.DiscardHandler)))
	assert.Equal(t, before, nft(t, "list", "ruleset"))
}
