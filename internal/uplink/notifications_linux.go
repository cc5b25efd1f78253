package uplink

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// change is one change that the kernel has reported.
type change struct {
	kind      changeKind
	prefix    netip.Prefix // of a route
	link      int          // of a neighbour or link
	addr      netip.Addr   // of a neighbour
	neighbour neighbourFacts
}

type changeKind int

const (
	nothing    changeKind = iota
	everything            // an address, a rule, a policy, a queueing discipline, or notifications that were lost
	aRoute
	aNeighbour
	aLink
)

// groups of NETLINK_ROUTE that say what a path rests on.
var groups = []uint{unix.RTNLGRP_LINK, unix.RTNLGRP_NEIGH, unix.RTNLGRP_TC, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV4_RULE}

// openNotifications subscribes to all that paths rest on. IPsec's may be missing where the kernel
// does not let us hear it; what cannot be listed either is judged elsewhere.
func (u *Uplink) openNotifications() error {
	routes, err := rtnetlink.Subscribe(groups...)
	if err != nil {
		return err
	}
	u.hear(routes, changeOf)
	if u.host.ipsec.xfrm != nil {
		u.hearIPsec()
	}
	return nil
}

func (u *Uplink) hearIPsec() {
	if policies, err := rtnetlink.SubscribeXFRM(); err == nil {
		u.hear(policies, changeOfPolicy)
	}
}

// hear listens to a subscription until Close.
func (u *Uplink) hear(s *rtnetlink.Subscription, read func(rtnetlink.Notification) change) {
	u.news = append(u.news, s)
	u.ended.Go(func() { listen(s, read, u.tell) })
}

// awaitIPsec looks whether IPsec has come into the kernel: then its policies count. Who brings it
// has yet to agree on keys before there is one, so a look every second is soon enough. The caller
// holds mu, in the network namespace of Open.
func (u *Uplink) awaitIPsec() {
	select {
	case <-u.done:
		return // nobody would close what is opened now
	default:
	}
	if u.host.ipsec.appear() {
		u.hearIPsec()
		u.takeChange(change{kind: everything})
	}
}

// listen hears a subscription until it is closed.
func listen(s *rtnetlink.Subscription, read func(rtnetlink.Notification) change, tell func(change)) {
	_ = s.Listen(func(n rtnetlink.Notification) {
		if c := read(n); c.kind != nothing {
			tell(c)
		}
	}, func(error) { tell(change{kind: everything}) })
}

// changeOfPolicy is any to IPsec's policies.
func changeOfPolicy(rtnetlink.Notification) change { return change{kind: everything} }

// changeOf is what NETLINK_ROUTE has told.
func changeOf(n rtnetlink.Notification) change {
	switch n.Type {
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		r, err := n.Route()
		switch {
		case err != nil:
			return change{kind: everything}
		case !r.Dst.Addr().Is4():
			return change{}
		}
		return change{kind: aRoute, prefix: r.Dst.Masked()}
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		neighbour, err := n.Neighbour()
		if err != nil || !neighbour.Address.Is4() {
			return change{} // an entry of a bridge's has none
		}
		c := change{kind: aNeighbour, link: neighbour.Link, addr: neighbour.Address}
		if n.Type == unix.RTM_NEWNEIGH {
			c.neighbour = factsOfNeighbour(neighbour.State, neighbour.HardwareAddress)
		}
		return c
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		l, err := n.Link()
		if err != nil {
			return change{kind: everything}
		}
		return change{kind: aLink, link: l.Index}
	case unix.RTM_NEWADDR, unix.RTM_DELADDR, unix.RTM_NEWRULE, unix.RTM_DELRULE,
		unix.RTM_NEWQDISC, unix.RTM_DELQDISC, unix.RTM_NEWTFILTER, unix.RTM_DELTFILTER:
		return change{kind: everything}
	}
	return change{}
}
