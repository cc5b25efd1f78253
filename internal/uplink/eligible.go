package uplink

import (
	"fmt"
	"net/netip"
)

// linkFacts are what is known of the interface a route leaves by.
type linkFacts struct {
	index    int
	name     string
	ethernet bool // its addresses are Ethernet's
	up       bool // administratively
	carrier  bool // running
	noARP    bool // its neighbours have no Ethernet address to resolve
	wireless bool
	mtu      int // bytes of an IP packet
	mac      mac
	shaper   string // what of its egress a fast way would pass by, in words; empty: nothing
	opaque   bool   // shaper is not known
}

// routeFacts are the kernel's answer to how a packet from our address reaches a peer.
type routeFacts struct {
	refused string     // why there is none
	local   bool       // the peer is this machine
	unicast bool       // one next hop that may have an Ethernet address
	link    linkFacts  // where it leaves
	nextHop netip.Addr // the gateway, or the peer itself
	mtu     int        // of the path, if the kernel knows one; bytes
}

// neighbourFacts are what the kernel knows of the next hop.
type neighbourFacts struct {
	resolved bool // there is an address, fresh or not
	mac      mac
}

// hostFacts hold for all routes of this machine.
type hostFacts struct {
	rules   string                                  // the routing rule that a fast way cannot follow, in words; empty: none
	ipsec   func(local, peer netip.Addr) (hit bool) // whether an IPsec policy may want the packets; nil: cannot be told
	checked bool                                    // the two above are known
}

// ineligible says why packets to peer must stay with the raw socket; empty: they need not. What
// forced leaves out is what the kernel's way would add and a user can do without.
func ineligible(local, peer netip.Addr, r routeFacts, n neighbourFacts, h hostFacts, forced bool) string {
	l := r.link
	switch {
	case r.refused != "":
		return fmt.Sprintf("there is no route to %s from %s: %s", peer, local, r.refused)
	case r.local:
		return fmt.Sprintf("%s is an address of this machine", peer)
	case !r.unicast:
		return fmt.Sprintf("the route to %s is not a plain one by one next hop", peer)
	case !l.ethernet:
		return fmt.Sprintf("the route to %s leaves by %s, which is not Ethernet", peer, l.name)
	case l.noARP:
		return fmt.Sprintf("the route to %s leaves by %s, which resolves no neighbours", peer, l.name)
	case !l.up || !l.carrier:
		return fmt.Sprintf("%s is down", l.name)
	case !h.checked || h.ipsec == nil:
		return "whether IPsec or routing rules want these packets cannot be told: it takes CAP_NET_ADMIN"
	case h.ipsec(local, peer):
		return fmt.Sprintf("an IPsec policy covers packets from %s to %s", local, peer)
	case !n.resolved:
		return fmt.Sprintf("the Ethernet address of %s on %s is not known yet", r.nextHop, l.name)
	}
	if forced {
		return ""
	}
	switch {
	case h.rules != "":
		return h.rules
	case l.wireless:
		return fmt.Sprintf("%s is wireless, and the kernel's queues share its time", l.name)
	case l.opaque:
		return fmt.Sprintf("the queueing discipline of %s cannot be told", l.name)
	case l.shaper != "":
		return fmt.Sprintf("%s has %s, which only the raw socket respects", l.name, l.shaper)
	}
	return ""
}

// mtuOf is the longest IP packet that may go to a peer whole, in bytes.
func (r routeFacts) mtuOf() int {
	if r.mtu > 0 {
		return min(r.mtu, r.link.mtu)
	}
	return r.link.mtu
}

// plainQueue reports whether a queueing discipline only keeps packets until the link takes them.
func plainQueue(kind string) bool {
	switch kind {
	case "noqueue", "pfifo_fast", "pfifo", "bfifo", "fq_codel", "fq", "sfq", "mq":
		return true
	}
	return false
}
