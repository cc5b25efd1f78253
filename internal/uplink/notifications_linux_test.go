package uplink

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// notice makes a netlink message.
func notice(kind uint16, body []byte, attributes ...*nl.RtAttr) []byte {
	for _, a := range attributes {
		body = append(body, a.Serialize()...)
	}
	b := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+len(body))
	binary.NativeEndian.PutUint32(b, uint32(unix.NLMSG_HDRLEN+len(body)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	b = append(b, body...)
	return append(b, make([]byte, -len(b)&3)...)
}

func routeNotice(kind uint16, family, bits byte, to ...byte) []byte {
	body := make([]byte, unix.SizeofRtMsg)
	body[0], body[1] = family, bits
	if to == nil {
		return notice(kind, body)
	}
	return notice(kind, body, nl.NewRtAttr(unix.RTA_DST, to))
}

func neighbourNotice(kind uint16, state uint16, address net.HardwareAddr) []byte {
	body := make([]byte, unix.SizeofNdMsg)
	body[0] = unix.AF_INET
	binary.NativeEndian.PutUint32(body[4:], 7)
	binary.NativeEndian.PutUint16(body[8:], state)
	attributes := []*nl.RtAttr{nl.NewRtAttr(unix.NDA_DST, []byte{192, 0, 2, 1})}
	if address != nil {
		attributes = append(attributes, nl.NewRtAttr(unix.NDA_LLADDR, address))
	}
	return notice(kind, body, attributes...)
}

func linkNotice(kind uint16) []byte {
	body := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(body[4:], 7)
	return notice(kind, body)
}

func TestParseNotifications(t *testing.T) {
	address := net.HardwareAddr(hopMAC[:])
	neighbour := func(n neighbourFacts) []change {
		return []change{{kind: aNeighbour, link: 7, addr: netip.MustParseAddr("192.0.2.1"), neighbour: n}}
	}
	known := neighbour(neighbourFacts{resolved: true, mac: hopMAC})
	for _, tc := range []struct {
		name string
		in   []byte
		want []change
	}{
		{"a route", routeNotice(unix.RTM_NEWROUTE, unix.AF_INET, 24, 198, 51, 100, 0), []change{{kind: aRoute, prefix: netip.MustParsePrefix("198.51.100.0/24")}}},
		{"a route that has gone", routeNotice(unix.RTM_DELROUTE, unix.AF_INET, 32, 198, 51, 100, 1), []change{{kind: aRoute, prefix: netip.MustParsePrefix("198.51.100.1/32")}}},
		{"the default route", routeNotice(unix.RTM_NEWROUTE, unix.AF_INET, 0), []change{{kind: aRoute, prefix: netip.MustParsePrefix("0.0.0.0/0")}}},
		{"an impossible route", routeNotice(unix.RTM_NEWROUTE, unix.AF_INET, 99, 1, 2, 3, 4), []change{{kind: everything}}},
		{"a route of IPv6", routeNotice(unix.RTM_NEWROUTE, unix.AF_INET6, 0), nil},
		{"a neighbour", neighbourNotice(unix.RTM_NEWNEIGH, netlink.NUD_REACHABLE, address), known},
		{"a stale neighbour", neighbourNotice(unix.RTM_NEWNEIGH, netlink.NUD_STALE, address), known},
		{"a neighbour being asked", neighbourNotice(unix.RTM_NEWNEIGH, netlink.NUD_PROBE, address), known},
		{"a fixed neighbour", neighbourNotice(unix.RTM_NEWNEIGH, netlink.NUD_PERMANENT, address), known},
		{"a neighbour that does not answer", neighbourNotice(unix.RTM_NEWNEIGH, netlink.NUD_FAILED, address), neighbour(neighbourFacts{})},
		{"a neighbour without an address", neighbourNotice(unix.RTM_NEWNEIGH, netlink.NUD_INCOMPLETE, nil), neighbour(neighbourFacts{})},
		{"a neighbour with another kind of address", neighbourNotice(unix.RTM_NEWNEIGH, netlink.NUD_REACHABLE, make([]byte, 20)), neighbour(neighbourFacts{})},
		{"a neighbour that has gone", neighbourNotice(unix.RTM_DELNEIGH, netlink.NUD_REACHABLE, address), neighbour(neighbourFacts{})},
		{"a link", linkNotice(unix.RTM_NEWLINK), []change{{kind: aLink, link: 7}}},
		{"a link that has gone", linkNotice(unix.RTM_DELLINK), []change{{kind: aLink, link: 7}}},
		{"an address", notice(unix.RTM_NEWADDR, make([]byte, unix.SizeofIfAddrmsg)), []change{{kind: everything}}},
		{"a rule", notice(unix.RTM_DELRULE, make([]byte, unix.SizeofRtMsg)), []change{{kind: everything}}},
		{"a queueing discipline", notice(unix.RTM_NEWQDISC, make([]byte, 20)), []change{{kind: everything}}},
		{"something else", notice(unix.RTM_NEWNSID, make([]byte, 20)), nil},
		{"two of them", append(linkNotice(unix.RTM_NEWLINK), linkNotice(unix.RTM_DELLINK)...), []change{{kind: aLink, link: 7}, {kind: aLink, link: 7}}},
		{"a message longer than what is there", linkNotice(unix.RTM_NEWLINK)[:20], nil},
		{"too short a neighbour", notice(unix.RTM_NEWNEIGH, []byte{unix.AF_INET}), nil},
		{"a neighbour without a name", notice(unix.RTM_NEWNEIGH, append([]byte{unix.AF_INET}, make([]byte, 11)...)), nil},
		{"nothing", nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []change
			_ = rtnetlink.ParseNotifications(tc.in, func(n rtnetlink.Notification) {
				if c := changeOf(n); c.kind != nothing {
					got = append(got, c)
				}
			})
			assert.Equal(t, tc.want, got)
		})
	}
}

func FuzzChangeOf(f *testing.F) {
	f.Add(routeNotice(unix.RTM_NEWROUTE, unix.AF_INET, 24, 198, 51, 100, 0))
	f.Add(neighbourNotice(unix.RTM_NEWNEIGH, netlink.NUD_REACHABLE, net.HardwareAddr(hopMAC[:])))
	f.Add(linkNotice(unix.RTM_NEWLINK))
	f.Add(notice(unix.RTM_NEWADDR, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		count := 0
		_ = rtnetlink.ParseNotifications(b, func(notification rtnetlink.Notification) {
			count++
			n := changeOf(notification)
			if n.kind == aRoute {
				assert.True(t, n.prefix.IsValid())
			}
			if n.kind == aNeighbour {
				assert.True(t, n.addr.Is4() || n.addr.Is6())
			}
		})
		assert.LessOrEqual(t, count, len(b)/unix.NLMSG_HDRLEN)
	})
}

func TestUnfollowableRules(t *testing.T) {
	for _, tc := range []struct {
		name string
		rule rtnetlink.Rule
		want string
	}{
		{"the main table", rtnetlink.Rule{Priority: 32766}, ""},
		{"by mark", rtnetlink.Rule{Priority: 100, Mark: 5}, "the routing rule 100 goes by firewall marks"},
		{"by the mark that is asked with", rtnetlink.Rule{Priority: 100, Invert: true, Mark: 164, Mask: 1<<32 - 1}, ""},
		{"by bits of it", rtnetlink.Rule{Priority: 100, Mark: 164, Mask: 0xFF}, "the routing rule 100 goes by firewall marks"},
		{"by no mark", rtnetlink.Rule{Priority: 100, Mask: 0xFF}, "the routing rule 100 goes by firewall marks"},
		{"by protocol", rtnetlink.Rule{Priority: 100, Protocol: 17}, "the routing rule 100 goes by the protocol"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.want, unfollowable([]rtnetlink.Rule{tc.rule}, 164))
		})
	}
}

func TestIPsecPolicies(t *testing.T) {
	all := netip.MustParsePrefix("0.0.0.0/0")
	block := func(a byte) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{a}), 8) }
	for _, tc := range []struct {
		name   string
		policy rtnetlink.Policy
		want   bool
	}{
		{"everything", rtnetlink.Policy{Src: all, Dst: all}, true},
		{"to the peer's network", rtnetlink.Policy{Src: all, Dst: block(198)}, true},
		{"to another network", rtnetlink.Policy{Src: all, Dst: block(10)}, false},
		{"from another network", rtnetlink.Policy{Src: block(10), Dst: all}, false},
		{"GRE", rtnetlink.Policy{Src: all, Dst: all, Protocol: unix.IPPROTO_GRE}, true},
		{"another protocol", rtnetlink.Policy{Src: all, Dst: all, Protocol: unix.IPPROTO_UDP}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.want, covered([]rtnetlink.Policy{tc.policy}, ours, theirs))
		})
	}
}
