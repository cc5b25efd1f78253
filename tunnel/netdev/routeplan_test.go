package netdev

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func prefixes(t *testing.T, list string) (all []netip.Prefix) {
	t.Helper()
	for _, s := range strings.Fields(list) {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

// TestPlan: which routes there are, of which table; a table in front of the main one throws what is
// excluded, and the main one's are divided.
func TestPlan(t *testing.T) {
	for _, tc := range []struct {
		name     string
		routes   string
		all      bool
		excluded string
		table    Table
		own      uint32
		standing string
		want     string
	}{
		{"nothing", "", false, "", TableAuto, 0, "", ""},
		{"off", "10.0.0.0/8", true, "10.1.0.0/16", TableOff, 0, "", ""},
		{"each once", "10.0.0.0/8 10.0.0.0/8", false, "", TableAuto, 0, "", "254 10.0.0.0/8"},
		{"rules", "10.0.0.0/8", true, "10.1.0.0/16", TableAuto, 77, "", "254 10.128.0.0/9, 254 10.64.0.0/10, 254 10.32.0.0/11, 254 10.16.0.0/12, 254 10.8.0.0/13, 254 10.4.0.0/14, 254 10.2.0.0/15, 254 10.0.0.0/16, throw 77 10.1.0.0/16, 77 0.0.0.0/0"},
		{"rules of both families", "::/0 fd00::/8", true, "", TableAuto, 77, "", "254 fd00::/8, 77 0.0.0.0/0, 77 ::/0"},
		{"no rules", "::/0", true, "", TableAuto, 0, "", "254 0.0.0.0/1, 254 128.0.0.0/1, 254 ::/1, 254 8000::/1"},
		{"the main table", "", true, "128.0.0.0/2", TableMain, 0, "", "254 0.0.0.0/1, 254 192.0.0.0/2"},
		{"what stands comes before the parts as before the whole", "", true, "172.16.0.0/13", TableMain, 0, "160.0.0.0/3 172.24.0.0/14 0.0.0.0/1",
			"254 0.0.0.0/1, 254 192.0.0.0/2, 254 128.0.0.0/3"},
		{"a number", "10.0.0.0/8", true, "10.1.0.0/16", 1234, 0, "", "throw 1234 10.1.0.0/16, 1234 10.0.0.0/8, 1234 0.0.0.0/0"},
		{"one address", "192.0.2.0/31", false, "192.0.2.1/32", TableAuto, 0, "", "254 192.0.2.0/32"},
		{"nothing is left", "192.0.2.0/31", false, "192.0.2.0/31", TableAuto, 0, "", ""},
		{"beside it", "192.0.2.0/31", false, "192.0.2.2/32 fd00::/8", TableAuto, 0, "", "254 192.0.2.0/31"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := Settings{Routes: prefixes(t, tc.routes), DefaultRoute: tc.all, Excluded: prefixes(t, tc.excluded), Table: tc.table}
			var got []string
			for _, r := range s.plan(tc.own, prefixes(t, tc.standing)) {
				line := fmt.Sprint(r.table, " ", r.dst)
				if r.throw {
					line = "throw " + line
				}
				got = append(got, line)
			}
			var want []string
			if tc.want != "" {
				want = strings.Split(tc.want, ", ")
			}
			assert.ElementsMatch(t, want, got)
		})
	}
}

// TestWithout: every address is in a part, or in what is excluded, and never in both.
func TestWithout(t *testing.T) {
	whole := prefixes(t, "10.0.0.0/24")
	others := prefixes(t, "10.0.0.7/32 10.0.0.64/27 10.0.0.65/32")
	parts := without(whole, others, nil)
	for i := range 256 {
		a := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
		n := 0
		for _, p := range append(parts, others[:2]...) {
			if p.Contains(a) {
				n++
			}
		}
		assert.Equal(t, 1, n, a)
	}
}

func TestParseTable(t *testing.T) {
	for in, want := range map[string]Table{"auto": TableAuto, "off": TableOff, "main": TableMain, "254": TableMain, "0x10": 16, "4294967295": 4294967295} {
		got, err := ParseTable(in)
		assert.NoError(t, err, in)
		assert.Equal(t, want, got, in)
		back, err := ParseTable(got.String())
		assert.NoError(t, err)
		assert.Equal(t, got, back)
	}
	for in, want := range map[string]string{"": "is none", "0": "give auto, off, main, or a number, 1 to 4294967295", "-1": "is none", "4294967296": "is none", "none": "is none", "255": "is the kernel's"} {
		_, err := ParseTable(in)
		assert.ErrorContains(t, err, want, in)
	}
}
