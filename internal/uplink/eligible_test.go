package uplink

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestIneligible(t *testing.T) {
	hop := netip.MustParseAddr("192.0.2.1")
	type facts struct {
		r routeFacts
		n neighbourFacts
		h hostFacts
	}
	never := func(_, _ netip.Addr) bool { return false }
	for _, tc := range []struct {
		name   string
		change func(*facts)
		want   string // by auto
		forced string // where the user insists; "-": the same
	}{
		{"a plain Ethernet", func(*facts) {}, "", "-"},
		{"no route", func(f *facts) { f.r = routeFacts{refused: "network is unreachable"} },
			"there is no route to 198.51.100.1 from 192.0.2.2: network is unreachable", "-"},
		{"ourselves", func(f *facts) { f.r.local = true }, "198.51.100.1 is an address of this machine", "-"},
		{"several next hops", func(f *facts) { f.r.unicast = false }, "the route to 198.51.100.1 is not a plain one by one next hop", "-"},
		{"a modem", func(f *facts) { f.r.link.ethernet, f.r.link.name = false, "ppp0" },
			"the route to 198.51.100.1 leaves by ppp0, which is not Ethernet", "-"},
		{"a link without neighbours", func(f *facts) { f.r.link.noARP = true }, "the route to 198.51.100.1 leaves by eth0, which resolves no neighbours", "-"},
		{"a link that is down", func(f *facts) { f.r.link.up = false }, "eth0 is down", "-"},
		{"a link without a cable", func(f *facts) { f.r.link.carrier = false }, "eth0 is down", "-"},
		{"what nobody may know", func(f *facts) { f.h.checked = false },
			"whether IPsec or routing rules want these packets cannot be told: it takes CAP_NET_ADMIN", "-"},
		{"IPsec", func(f *facts) { f.h.ipsec = func(l, p netip.Addr) bool { return l == ours && p == theirs } },
			"an IPsec policy covers packets from 192.0.2.2 to 198.51.100.1", "-"},
		{"an unknown next hop", func(f *facts) { f.n = neighbourFacts{} }, "the Ethernet address of 192.0.2.1 on eth0 is not known yet", "-"},
		{"a rule by marks", func(f *facts) { f.h.rules = "the routing rule 100 goes by firewall marks" }, "the routing rule 100 goes by firewall marks", ""},
		{"a wireless link", func(f *facts) { f.r.link.wireless = true }, "eth0 is wireless, and the kernel's queues share its time", ""},
		{"a shaper", func(f *facts) { f.r.link.shaper = "the queueing discipline tbf" },
			"eth0 has the queueing discipline tbf, which only the raw socket respects", ""},
		{"a shaper that cannot be seen", func(f *facts) { f.r.link.opaque = true }, "the queueing discipline of eth0 cannot be told", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := facts{
				r: routeFacts{unicast: true, nextHop: hop, link: linkFacts{index: 2, name: "eth0", ethernet: true, up: true, carrier: true, mtu: 1500, mac: ourMAC}},
				n: neighbourFacts{resolved: true, mac: hopMAC},
				h: hostFacts{ipsec: never, checked: true},
			}
			tc.change(&f)
			if tc.forced == "-" {
				tc.forced = tc.want
			}
			assert.Equal(t, tc.want, ineligible(ours, theirs, f.r, f.n, f.h, false))
			assert.Equal(t, tc.forced, ineligible(ours, theirs, f.r, f.n, f.h, true))
		})
	}
}

func TestLongestPacket(t *testing.T) {
	for _, tc := range []struct {
		name             string
		link, path, want int
	}{
		{"the link's", 1500, 0, 1500},
		{"a path that takes less", 1500, 1400, 1400},
		{"a path that takes more than the link", 1500, 9000, 1500},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.want, routeFacts{mtu: tc.path, link: linkFacts{mtu: tc.link}}.mtuOf())
		})
	}
}

func TestPlainQueue(t *testing.T) {
	for _, kind := range []string{"noqueue", "pfifo_fast", "fq_codel", "fq", "mq"} {
		assert.True(t, plainQueue(kind), kind)
	}
	for _, kind := range []string{"netem", "tbf", "htb", "cake", "", "what comes next"} {
		assert.False(t, plainQueue(kind), kind)
	}
}
