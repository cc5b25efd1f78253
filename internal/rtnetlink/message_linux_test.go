package rtnetlink

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// native gives the bytes of a message that is written down for both byte orders: "a8|8a" stands for
// what comes first on a little-endian machine, and what on a big-endian one.
func native(t *testing.T, text string) []byte {
	t.Helper()
	var b strings.Builder
	for _, word := range strings.Fields(text) {
		little, big, differ := strings.Cut(word, "|")
		if differ && order.Uint16([]byte{0, 1}) == 1 {
			little = big
		}
		b.WriteString(little)
	}
	bytes, err := hex.DecodeString(b.String())
	require.NoError(t, err)
	return bytes
}

// TestRequests: byte for byte, in either byte order, as linux/rtnetlink.h lays them out.
func TestRequests(t *testing.T) {
	a, p := netip.MustParseAddr, netip.MustParsePrefix
	const header = " 0000 00000000 00000000 " // the flags, the sequence and the port come later
	for _, tc := range []struct {
		name string
		got  request
		want string
	}{
		{"a route", Route{
			Dst: p("198.51.100.0/24"), Gateway: a("192.0.2.1"), Source: a("192.0.2.2"), Link: 7, Table: 254, Priority: 0x01020304,
			Protocol: 164, Scope: unix.RT_SCOPE_LINK, Flags: unix.RTNH_F_ONLINK | unix.RTNH_F_DEAD, MTU: 1400, AdvMSS: 1300,
		}.request(unix.RTM_NEWROUTE, 0), "00000000 1800|0018" + header + `
			02 18 00 00 fe a4 fd 01 04000000|00000004
			0800|0008 0100|0001 c6336400
			0800|0008 0500|0005 c0000201
			0800|0008 0700|0007 c0000202
			0800|0008 0400|0004 07000000|00000007
			0800|0008 0600|0006 04030201|01020304
			0800|0008 0f00|000f fe000000|000000fe
			1400|0014 0800|0008 0800|0008 0200|0002 78050000|00000578 0800|0008 0800|0008 14050000|00000514`},
		{"a route by IPv6", Route{Dst: p("10.0.0.0/8"), Gateway: a("fe80::1"), Table: 1000, Link: 7}.request(unix.RTM_DELROUTE, 0),
			"00000000 1900|0019" + header + `
			02 08 00 00 00 00 00 01 00000000
			0800|0008 0100|0001 0a000000
			1600|0016 1200|0012 0a00|000a fe800000000000000000000000000001 0000
			0800|0008 0400|0004 07000000|00000007
			0800|0008 0f00|000f e8030000|000003e8`},
		{"an address", Address{Link: 7, Local: p("10.9.0.1/32"), Peer: p("10.9.0.2/32"), Flags: unix.IFA_F_NODAD, Protocol: 164}.request(unix.RTM_NEWADDR, 0),
			"00000000 1400|0014" + header + `
			02 20 00 00 07000000|00000007
			0800|0008 0200|0002 0a090001
			0800|0008 0100|0001 0a090002
			0800|0008 0800|0008 02000000|00000002
			0500|0005 0b00|000b a4000000`},
		{"an interface that goes up", newRequest(unix.RTM_NEWLINK, 0, infomsg(7, unix.IFF_UP, unix.IFF_UP)),
			"00000000 1000|0010" + header + "00 00 0000 07000000|00000007 01000000|00000001 01000000|00000001"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			order.PutUint16(tc.got[6:], 0)
			assert.Equal(t, hex.EncodeToString(native(t, tc.want)), hex.EncodeToString(tc.got))
		})
	}
	r := newRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP, []byte{1, 2, 3, 4})
	r.finish(0x01020304)
	assert.Equal(t, native(t, "14000000|00000014 1200|0012 0103|0301 04030201|01020304 00000000 01020304"), []byte(r))
}

// TestAnswers are read in either byte order.
func TestAnswers(t *testing.T) {
	a, p := netip.MustParseAddr, netip.MustParsePrefix
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	for _, tc := range []struct {
		name, in string
		parse    func([]byte) (any, error)
		want     any
	}{
		{"a link", `00 00 0100|0001 07000000|00000007 43100100|00011043 00000000
			0900|0009 0300|0003 65746830 00 000000 0800|0008 0400|0004 dc050000|000005dc 0500|0005 1000|0010 06000000
			0a00|000a 0100|0001 020000000001 0000 0c00|000c 1280|8012 0800|0008 0100|0001 74756e00`,
			func(b []byte) (any, error) { return parseLink(b) },
			Link{Index: 7, Name: "eth0", Kind: "tun", Hardware: unix.ARPHRD_ETHER, Address: mac, Flags: 0x11043, State: StateUp, MTU: 1500}},
		{"a link without anything", `00 00 0100|0001 07000000|00000007 00000000 00000000`, func(b []byte) (any, error) { return parseLink(b) }, Link{Index: 7, Hardware: 1}},
		{"an address", `02 18 80 fd 07000000|00000007 0800|0008 0100|0001 c0000201 0800|0008 0200|0002 c0000201`,
			func(b []byte) (any, error) { return parseAddress(b) }, Address{Link: 7, Local: p("192.0.2.1/24"), Flags: 128, Scope: 253}},
		{"an address with a peer", `02 18 00 00 07000000|00000007 0800|0008 0100|0001 0a080700 0800|0008 0200|0002 0a080001 0800|0008 0800|0008 80000100|00010080 0500|0005 0b00|000b a4000000`,
			func(b []byte) (any, error) { return parseAddress(b) }, Address{Link: 7, Local: p("10.8.0.1/32"), Peer: p("10.8.7.0/24"), Flags: 0x10080, Protocol: 164}},
		{"an address of IPv6", `0a 40 00 fd 07000000|00000007 1400|0014 0100|0001 fe800000000000000000000000000001`,
			func(b []byte) (any, error) { return parseAddress(b) }, Address{Link: 7, Local: p("fe80::1/64"), Scope: 253}},
		{"a route over several hops", `02 00 00 00 fe 03 00 01 00000000 0800|0008 0f00|000f fe000000|000000fe
			2800|0028 0900|0009 1000|0010 00 00 02000000|00000002 0800|0008 0500|0005 c0000201
			1400|0014 05 01 03000000|00000003 0a00|000a 1200|0012 0a00|000a 20010db8 0000`,
			func(b []byte) (any, error) { return parseRoute(b) },
			Route{Dst: p("0.0.0.0/0"), Table: 254, Protocol: 3, Type: 1, Hops: []Hop{{Link: 2, Gateway: a("192.0.2.1")}, {Link: 3, Flags: 5, Gateway: a("32.1.13.184")}}}},
		{"a neighbour", `02 00 0000 07000000|00000007 0200|0002 00 01 0800|0008 0100|0001 c0000201 0a00|000a 0200|0002 020000000001 0000`,
			func(b []byte) (any, error) { return parseNeighbour(b) }, Neighbour{Link: 7, Address: a("192.0.2.1"), HardwareAddress: mac, State: unix.NUD_REACHABLE}},
		{"a rule", `02 00 00 00 4d 00 00 01 00000000 0800|0008 0600|0006 64000000|00000064 0800|0008 0a00|000a 05000000|00000005 0800|0008 1000|0010 ff000000|000000ff 0500|0005 1600|0016 11000000`,
			func(b []byte) (any, error) { return parseRule(b) }, Rule{Priority: 100, Mark: 5, Mask: 255, Protocol: 17, Table: 77}},
		{"a queueing discipline", `00 000000 07000000|00000007 00000000 ffffffff 02000000|00000002 0800|0008 0100|0001 74626600
			1800|0018 0700|0007 1400|0014 0300|0003 00000000 00000000 09000000|00000009 00000000`,
			func(b []byte) (any, error) { return parseDiscipline(b) }, Discipline{Link: 7, Kind: "tbf", Dropped: 9}},
		{"a policy", `c0000200` + strings.Repeat("00", 12) + `0a000000` + strings.Repeat("00", 12) + ` 00000000 00000000 0200|0002 18 08 2f 000000` + strings.Repeat("00", 8+64+32+8) + `01000000`,
			func(b []byte) (any, error) { return parsePolicy(b) }, Policy{Src: p("10.0.0.0/8"), Dst: p("192.0.2.0/24"), Protocol: unix.IPPROTO_GRE, Direction: PolicyOut}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := native(t, tc.in)
			got, err := tc.parse(in)
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
			for n := range in { // cut off anywhere, it is an error or has less
				_, _ = tc.parse(in[:n])
			}
		})
	}
}

// TestMalformed: what cannot be is an error, and no value.
func TestMalformed(t *testing.T) {
	address := func(b []byte) error { _, err := parseAddress(b); return err }
	route := func(b []byte) error { _, err := parseRoute(b); return err }
	neighbour := func(b []byte) error { _, err := parseNeighbour(b); return err }
	policy := func(b []byte) error { _, err := parsePolicy(b); return err }
	for _, tc := range []struct {
		name, in string
		parse    func([]byte) error
	}{
		{"a route that is too short", "02 18 00", route},
		{"a prefix longer than an address", "02 21 00 00 fe 03 00 01 00000000", route},
		{"a route of another family", "1c 00 00 00 fe 03 00 01 00000000", route},
		{"a destination of another family", "02 08 00 00 fe 03 00 01 00000000 1400|0014 0100|0001 fe800000000000000000000000000001", route},
		{"a destination of three bytes", "02 08 00 00 fe 03 00 01 00000000 0700|0007 0100|0001 0a000000", route},
		{"an attribute that ends behind the message", "02 08 00 00 fe 03 00 01 00000000 0900|0009 0100|0001 0a000000", route},
		{"an attribute without its own length", "02 08 00 00 fe 03 00 01 00000000 0300|0003 0100|0001 0a000000", route},
		{"a metric that ends behind its metrics", "02 00 00 00 fe 03 00 01 00000000 0c00|000c 0800|0008 0900|0009 0200|0002 78050000", route},
		{"a hop that ends behind its hops", "02 00 00 00 fe 03 00 01 00000000 0c00|000c 0900|0009 0900|0009 00 00 02000000", route},
		{"a hop without its own length", "02 00 00 00 fe 03 00 01 00000000 0c00|000c 0900|0009 0700|0007 00 00 02000000", route},
		{"an address that is none", "02 18 00 00 07000000", address},
		{"an address of another family", "02 18 00 00 07000000 1400|0014 0200|0002 fe800000000000000000000000000001", address},
		{"a neighbour without an address", "02 00 0000 07000000 0200 00 01", neighbour},
		{"a neighbour of a bridge", "07 00 0000 07000000 0200 00 01 0a00|000a 0200|0002 020000000001 0000", neighbour},
		{"a policy of no family", strings.Repeat("00", xfrmPolicyLength), policy},
		{"a policy that is too short", strings.Repeat("00", xfrmPolicyLength-1), policy},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.ErrorIs(t, tc.parse(native(t, tc.in)), errMalformed)
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range []request{
		Route{
			Dst: netip.MustParsePrefix("198.51.100.0/24"), Link: 7, MTU: 1400, Table: 1000,
			Hops: []Hop{{Link: 1, Gateway: netip.MustParseAddr("192.0.2.1")}, {Link: 2, Gateway: netip.MustParseAddr("fe80::1")}},
		}.request(unix.RTM_NEWROUTE, 0),
		Address{Link: 7, Local: netip.MustParsePrefix("fe80::1/64")}.request(unix.RTM_NEWADDR, 0),
		newRequest(unix.RTM_NEWNEIGH, 0, append(make([]byte, unix.SizeofNdMsg), 8, 0, 1, 0, 192, 0, 2, 1)),
		newRequest(xfrmNewPolicy, 0, make([]byte, xfrmPolicyLength)),
		newRequest(unix.RTM_NEWLINK, 0, infomsg(7, 1, 1)),
	} {
		r.finish(7)
		f.Add([]byte(r))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		messages := 0
		_ = ParseNotifications(b, func(n Notification) {
			messages++
			if r, err := n.Route(); err == nil {
				// What can be read can be written, and read again.
				again, err := parseRoute(r.request(unix.RTM_NEWROUTE, 0)[headerLength:])
				require.NoError(t, err)
				require.Equal(t, r.Dst, again.Dst)
				require.Equal(t, r.Link, again.Link)
				require.Len(t, again.Hops, len(r.Hops))
				saved := SavedRoute{n.body}
				_, err = parseRoute(saved.request()[headerLength:])
				require.NoError(t, err)
			}
			if a, err := n.Address(); err == nil {
				again, err := parseAddress(a.request(unix.RTM_NEWADDR, 0)[headerLength:])
				require.NoError(t, err)
				require.Equal(t, a.Local.Addr(), again.Local.Addr())
			}
			if n, err := n.Neighbour(); err == nil {
				require.True(t, n.Address.IsValid())
			}
			_, _ = n.Link()
			_, _ = parseRule(n.body)
			_, _ = parseDiscipline(n.body)
			if p, err := parsePolicy(n.body); err == nil {
				require.True(t, p.Src.IsValid() && p.Dst.IsValid())
			}
		})
		require.LessOrEqual(t, messages, len(b)/headerLength)
		e := ending{sequence: 7}
		e.take(b, func(uint16, []byte) error { return nil })
	})
}
