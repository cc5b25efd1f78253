package uplink

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// host asks the kernel. Its sockets belong to the network namespace it was opened in, whatever
// thread asks later.
type host struct {
	route *netlink.Handle
	xfrm  *netlink.Handle // nil: this kernel has no IPsec
}

func openHost() (*host, error) {
	route, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	h := &host{route: route}
	h.xfrm, err = netlink.NewHandle(unix.NETLINK_XFRM)
	switch {
	case errors.Is(err, unix.EPROTONOSUPPORT):
		h.xfrm = nil
	case err != nil:
		route.Close()
		return nil, fmt.Errorf("netlink for IPsec: %w", err)
	}
	return h, nil
}

func (h *host) close() {
	h.route.Close()
	if h.xfrm != nil {
		h.xfrm.Close()
	}
}

// routeTo asks how a packet from local reaches peer. What it learns of links is kept in known.
func (h *host) routeTo(local, peer netip.Addr, known map[int]linkFacts) routeFacts {
	routes, err := h.route.RouteGetWithOptions(peer.AsSlice(), &netlink.RouteGetOptions{SrcAddr: local.AsSlice()})
	switch {
	case err != nil:
		return routeFacts{refused: err.Error()}
	case len(routes) != 1:
		return routeFacts{refused: fmt.Sprintf("%d answers", len(routes))}
	}
	r := routes[0]
	f := routeFacts{local: r.Type == unix.RTN_LOCAL, nextHop: peer, mtu: r.MTU}
	if r.Gw != nil {
		gateway, ok := netip.AddrFromSlice(r.Gw)
		f.nextHop = gateway.Unmap()
		f.unicast = ok && f.nextHop.Is4()
	} else {
		f.unicast = true
	}
	f.unicast = f.unicast && r.Type == unix.RTN_UNICAST && r.Via == nil && r.Encap == nil && r.MPLSDst == nil && len(r.MultiPath) == 0
	var asked bool
	if f.link, asked = known[r.LinkIndex]; asked {
		return f
	}
	if f.link, err = h.link(r.LinkIndex); err != nil {
		return routeFacts{refused: fmt.Sprintf("its interface %d: %v", r.LinkIndex, err)}
	}
	known[r.LinkIndex] = f.link
	return f
}

// link asks about an interface.
func (h *host) link(index int) (linkFacts, error) {
	l, err := h.route.LinkByIndex(index)
	if err != nil {
		return linkFacts{}, err
	}
	a := l.Attrs()
	f := linkFacts{
		index: index, name: a.Name, kind: a.EncapType, mtu: a.MTU,
		up: a.RawFlags&unix.IFF_UP != 0, carrier: a.RawFlags&unix.IFF_RUNNING != 0,
		noARP: a.RawFlags&(unix.IFF_NOARP|unix.IFF_POINTOPOINT) != 0,
	}
	if f.kind == "ether" && len(a.HardwareAddr) == len(f.mac) {
		f.mac = mac(a.HardwareAddr)
	} else if f.kind == "ether" {
		f.kind = "without an Ethernet address"
	}
	_, err = os.Stat("/sys/class/net/" + a.Name + "/phy80211")
	f.wireless = err == nil
	f.shaper, err = h.shaper(l)
	f.opaque = err != nil
	return f, nil
}

// shaper says what of a link's egress does more than queue: the first queueing discipline that is
// no plain one, or filters.
func (h *host) shaper(l netlink.Link) (string, error) {
	disciplines, err := h.route.QdiscList(l)
	if err != nil {
		return "", err
	}
	for _, q := range disciplines {
		kind := q.Type()
		switch {
		case kind == "ingress" || plainQueue(kind):
		case kind == "clsact":
			filters, err := h.route.FilterList(l, netlink.HANDLE_MIN_EGRESS)
			if err != nil {
				return "", err
			}
			if len(filters) > 0 {
				return "filters on what it sends", nil
			}
		default:
			return "the queueing discipline " + kind, nil
		}
	}
	return "", nil
}

// neighbours asks for all on a link that have an Ethernet address, and those that had one.
func (h *host) neighbours(link int) (map[netip.Addr]neighbourFacts, error) {
	list, err := h.route.NeighList(link, unix.AF_INET)
	if err != nil {
		return nil, err
	}
	all := make(map[netip.Addr]neighbourFacts, len(list))
	for i := range list {
		if a, ok := netip.AddrFromSlice(list[i].IP); ok {
			all[a.Unmap()] = factsOfNeighbour(list[i].State, list[i].HardwareAddr)
		}
	}
	return all, nil
}

// factsOfNeighbour judges an entry of the neighbour table. The kernel sends to an address that is
// stale, too, while it asks whether it still holds.
func factsOfNeighbour(state int, address net.HardwareAddr) neighbourFacts {
	const usable = netlink.NUD_REACHABLE | netlink.NUD_STALE | netlink.NUD_DELAY | netlink.NUD_PROBE | netlink.NUD_PERMANENT
	if state&usable == 0 || len(address) != len(mac{}) {
		return neighbourFacts{}
	}
	return neighbourFacts{resolved: true, mac: mac(address)}
}

// whole asks what holds for all routes.
func (h *host) whole() hostFacts {
	var f hostFacts
	rules, err := h.route.RuleList(unix.AF_INET)
	if err != nil {
		return f
	}
	f.rules = unfollowable(rules)
	if h.xfrm == nil {
		f.ipsec, f.checked = func(_, _ netip.Addr) bool { return false }, true
		return f
	}
	policies, err := h.xfrm.XfrmPolicyList(unix.AF_INET)
	if err != nil {
		return f
	}
	policies = slices.DeleteFunc(policies, func(p netlink.XfrmPolicy) bool { return p.Dir != netlink.XFRM_DIR_OUT })
	f.ipsec = func(local, peer netip.Addr) bool { return covered(policies, local, peer) }
	f.checked = true
	return f
}

// unfollowable names the first routing rule that selects packets by what the kernel is not asked
// with: firewall marks, which the chains that are passed by could set, and the protocol.
func unfollowable(rules []netlink.Rule) string {
	for _, r := range rules {
		switch {
		case r.Mark != 0 || r.Mask != nil && *r.Mask != 0:
			return fmt.Sprintf("the routing rule %d goes by firewall marks", r.Priority)
		case r.IPProto > 0:
			return fmt.Sprintf("the routing rule %d goes by the protocol", r.Priority)
		}
	}
	return ""
}

// covered reports whether one of the policies for what leaves may mean GRE from local to peer.
// Whether it would encrypt, block or let pass is the kernel's to say.
func covered(policies []netlink.XfrmPolicy, local, peer netip.Addr) bool {
	return slices.ContainsFunc(policies, func(p netlink.XfrmPolicy) bool {
		return (p.Proto == 0 || p.Proto == unix.IPPROTO_GRE) && holds(p.Src, local) && holds(p.Dst, peer)
	})
}

// holds reports whether a network, which may be missing, has an address.
func holds(n *net.IPNet, a netip.Addr) bool {
	return n == nil || n.Contains(a.AsSlice()) || strings.HasPrefix(n.String(), "<nil>")
}
