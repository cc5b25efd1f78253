package uplink

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// host asks the kernel. Its sockets belong to the network namespace it was opened in, whatever
// thread asks later.
type host struct {
	route *rtnetlink.Conn
	ipsec *ipsec
}

func openHost() (*host, error) {
	route, err := rtnetlink.Open()
	if err != nil {
		return nil, err
	}
	h := &host{route: route}
	if h.ipsec, err = openIPsec(); err != nil {
		route.Close()
		return nil, err
	}
	return h, nil
}

func (h *host) close() {
	h.route.Close()
	h.ipsec.close()
}

// routeTo asks how a packet from local with a mark reaches peer by an interface (0: by any). What
// it learns of links is kept in known.
func (h *host) routeTo(local, peer netip.Addr, mark uint32, only int, known map[int]linkFacts) routeFacts {
	r, err := h.route.RouteTo(peer, rtnetlink.RouteQuery{Source: local, Mark: mark, Link: only})
	if err != nil {
		return routeFacts{refused: err.Error()}
	}
	f := routeFacts{local: r.Type == unix.RTN_LOCAL, nextHop: peer, mtu: int(r.MTU)}
	f.unicast = r.Type == unix.RTN_UNICAST && !r.Changed && len(r.Hops) == 0
	if r.Gateway.IsValid() {
		f.nextHop = r.Gateway
		f.unicast = f.unicast && r.Gateway.Is4()
	}
	var asked bool
	if f.link, asked = known[r.Link]; asked {
		return f
	}
	if f.link, err = h.link(r.Link); err != nil {
		return routeFacts{refused: fmt.Sprintf("its interface %d: %v", r.Link, err)}
	}
	known[r.Link] = f.link
	return f
}

// link asks about an interface.
func (h *host) link(index int) (linkFacts, error) {
	l, err := h.route.LinkByIndex(index)
	if err != nil {
		return linkFacts{}, err
	}
	f := linkFacts{
		index: index, name: l.Name, mtu: l.MTU,
		up: l.Up(), carrier: l.Flags&unix.IFF_RUNNING != 0,
		noARP: l.Flags&(unix.IFF_NOARP|unix.IFF_POINTOPOINT) != 0,
	}
	if l.Hardware == unix.ARPHRD_ETHER && len(l.Address) == len(f.mac) {
		f.ethernet, f.mac = true, mac(l.Address)
	}
	_, err = os.Stat("/sys/class/net/" + l.Name + "/phy80211")
	f.wireless = err == nil
	f.shaper, err = h.shaper(index)
	f.opaque = err != nil
	return f, nil
}

// shaper says what of a link's egress does more than queue: the first queueing discipline that is
// no plain one, or filters.
func (h *host) shaper(link int) (string, error) {
	disciplines, err := h.route.Disciplines(link)
	if err != nil {
		return "", err
	}
	for _, d := range disciplines {
		switch {
		case d.Kind == "ingress" || plainQueue(d.Kind):
		case d.Kind == "clsact":
			has, err := h.route.HasEgressFilters(link)
			if err != nil {
				return "", err
			}
			if has {
				return "filters on what it sends", nil
			}
		default:
			return "the queueing discipline " + d.Kind, nil
		}
	}
	return "", nil
}

// neighbours asks for all on a link that have an Ethernet address, and those that had one.
func (h *host) neighbours(link int) (map[netip.Addr]neighbourFacts, error) {
	list, err := h.route.Neighbours(link, unix.AF_INET)
	if err != nil {
		return nil, err
	}
	all := make(map[netip.Addr]neighbourFacts, len(list))
	for _, n := range list {
		all[n.Address] = factsOfNeighbour(n.State, n.HardwareAddress)
	}
	return all, nil
}

// factsOfNeighbour judges an entry of the neighbour table. The kernel sends to an address that is
// stale, too, while it asks whether it still holds.
func factsOfNeighbour(state uint16, address net.HardwareAddr) neighbourFacts {
	const usable = unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE | unix.NUD_PERMANENT
	if state&usable == 0 || len(address) != len(mac{}) {
		return neighbourFacts{}
	}
	return neighbourFacts{resolved: true, mac: mac(address)}
}

// whole asks what holds for all routes of packets with a mark.
func (h *host) whole(mark uint32) hostFacts {
	var f hostFacts
	rules, err := h.route.Rules(unix.AF_INET)
	if err != nil {
		return f
	}
	f.rules = unfollowable(rules, mark)
	policies, err := h.ipsec.policies()
	if err != nil {
		return f
	}
	policies = slices.DeleteFunc(policies, func(p rtnetlink.Policy) bool { return p.Direction != rtnetlink.PolicyOut })
	f.ipsec = func(local, peer netip.Addr) bool { return covered(policies, local, peer) }
	f.checked = true
	return f
}

// unfollowable names the first routing rule that selects packets by what the kernel is not asked
// with: firewall marks, which the chains that are passed by could set, and the protocol. The mark
// that packets have for a rule of this program it is asked with.
func unfollowable(rules []rtnetlink.Rule, mark uint32) string {
	for _, r := range rules {
		switch {
		case mark != 0 && r.Mark == mark && r.Mask == 1<<32-1:
		case r.Mark != 0 || r.Mask != 0:
			return fmt.Sprintf("the routing rule %d goes by firewall marks", r.Priority)
		case r.Protocol > 0:
			return fmt.Sprintf("the routing rule %d goes by the protocol", r.Priority)
		}
	}
	return ""
}

// covered reports whether one of the policies for what leaves may mean GRE from local to peer.
// Whether it would encrypt, block or let pass is the kernel's to say.
func covered(policies []rtnetlink.Policy, local, peer netip.Addr) bool {
	return slices.ContainsFunc(policies, func(p rtnetlink.Policy) bool {
		return (p.Protocol == 0 || p.Protocol == unix.IPPROTO_GRE) && p.Src.Contains(local) && p.Dst.Contains(peer)
	})
}
