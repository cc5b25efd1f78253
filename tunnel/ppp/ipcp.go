package ppp

import (
	"net/netip"
	"slices"
)

// IPCP option types (RFC 1332 section 3; the rest is in nameservers.go).
const (
	ipcpOptAddresses = 1 // deprecated
	ipcpOptAddress   = 3
)

// ipcp is the IP Control Protocol (RFC 1332). A client asks for its address with
// 0.0.0.0 and takes what the server suggests; a server tells its own and insists
// on the one it has assigned.
type ipcp struct {
	plainLayer
	automaton
	link *Link

	local    netip.Addr // what we ask for
	remote   netip.Addr // what the peer has, as accepted from its request
	servers  nameServers
	unused   netip.Addr // what the peer calls itself, where that cannot be used
	refused  bool       // by Protocol-Reject
	finale   bool       // it will not open any more
	unwanted bool       // the peer rejected our address option
	closed   bool       // the peer has closed it
	again    bool       // it was open, and is negotiated anew inside a link that stays open
	lonely   int        // as LCP's (lcp.go), while it is
}

// newIPCP makes the layer, which begin fills.
func newIPCP(l *Link) *ipcp {
	c := &ipcp{link: l}
	c.automaton = l.automatonFor(ProtoIPCP, c)
	return c
}

// begin starts the negotiation.
func (c *ipcp) begin() {
	if c.refused {
		return
	}
	c.finale, c.unwanted, c.closed = false, false, false
	c.again, c.lonely = false, 0
	c.local, c.remote, c.unused = netip.IPv4Unspecified(), netip.Addr{}, netip.Addr{}
	if c.link.cfg.Server {
		c.local = c.link.assignment.local
	}
	c.servers.begin(&c.link.cfg)
	c.start()
}

// alive reports whether the protocol is open or may open yet.
func (c *ipcp) alive() bool { return !c.finale && !c.refused }

func (c *ipcp) request() []byte {
	var out []byte
	if !c.unwanted {
		out = appendOption(out, ipcpOptAddress, c.local.AsSlice())
	}
	return c.servers.appendRequest(out)
}

func (c *ipcp) answer(options []byte, v *verdict) bool {
	c.lonely = 0
	c.remote = netip.Addr{}
	eachOption(options, func(o option) {
		switch {
		case v.duplicate(o):
			v.reject(o)
		case o.typ == ipcpOptAddress:
			c.answerAddress(o, v)
		case isNameServer(o.typ) && c.link.cfg.Server:
			c.servers.answer(o, v)
		default:
			// Van Jacobson compression, the deprecated address pair, what is
			// unknown, and a server that asks its client for name servers.
			v.reject(o)
		}
	})
	if c.link.cfg.Server && !v.has(ipcpOptAddress) {
		c.remote = c.link.assignment.remote
		v.want(ipcpOptAddress, c.remote.AsSlice())
	}
	return true
}

// answerAddress judges the address the peer wants.
func (c *ipcp) answerAddress(o option, v *verdict) {
	a, ok := addrValue(o)
	if c.link.cfg.Server {
		remote := c.link.assignment.remote
		if !ok || a != remote {
			v.nak(o, remote.AsSlice())
			return
		}
		c.remote = a
		return
	}
	if !ok || a.IsUnspecified() {
		// It asks us for one, and we have none to suggest; without one the link still works.
		v.reject(o)
		return
	}
	// What the peer calls itself is its own business: pppd gives the link up when that is rejected.
	// Where no packet could be sent to it, above all to the outer address, it is acknowledged and
	// not used.
	c.unused = netip.Addr{}
	if usableAddr(a) && a != c.local && !slices.Contains(c.link.cfg.Forbidden, a) {
		c.remote = a
	} else {
		c.unused = a
	}
}

// acked refuses an Ack of a request that holds no address yet. A peer that never asks for anything
// itself goes on with what was agreed on before, which is forgotten here.
func (c *ipcp) acked([]byte) bool {
	if c.again && c.state == stReqSent {
		if c.lonely++; c.lonely >= maxLonely {
			c.link.fail(down(ClassTimeout, "IPCP has to be negotiated anew, and the peer only acknowledges that and goes on with the old addresses"))
			return false
		}
	}
	if usableAddr(c.local) && !c.unwanted {
		return true
	}
	c.link.fail(down(ClassPeer, "the server gives us no tunnel address (it agreed to %s)", c.local))
	return false
}

func (c *ipcp) naked(options []byte) {
	eachOption(options, func(o option) {
		a, ok := addrValue(o)
		switch {
		case !ok:
			return
		case o.typ == ipcpOptAddress:
			// A server keeps its address, whatever its client suggests.
			if !c.link.cfg.Server && usableAddr(a) && a != c.remote && !slices.Contains(c.link.cfg.Forbidden, a) {
				c.local = a
			}
		case isNameServer(o.typ):
			c.servers.naked(o.typ, a)
		}
	})
}

func (c *ipcp) rejected(options []byte) {
	eachOption(options, func(o option) {
		if o.typ == ipcpOptAddress {
			c.unwanted = true
		} else {
			c.servers.rejected(o.typ)
		}
	})
	if c.unwanted {
		c.link.fail(down(ClassPeer, "the peer refuses to negotiate tunnel addresses"))
	}
}

// peerTerminates: a peer that closes IPCP before it has opened has no addresses.
func (c *ipcp) peerTerminates([]byte) {
	c.closed = true
	if c.state >= stReqSent && c.state < stOpened {
		c.finale = true
		c.link.networkFinished("IPCP", evRTR)
	}
}

func (c *ipcp) stuck() {
	c.link.fail(down(ClassPeer, "IPCP does not converge: the peer refused %d requests", c.refusals))
}

// refusedByPeer takes a Protocol-Reject.
func (c *ipcp) refusedByPeer() {
	c.refused = true
	c.stop()
	c.link.networkFinished("IPCP", evRXJMinus)
}

func (c *ipcp) up() { c.link.networkChanged() }
func (c *ipcp) down() {
	c.again = true
	c.link.networkChanged()
}

func (c *ipcp) finished(cause event) {
	c.finale = true
	if c.closed {
		cause = evRTR
	}
	c.link.networkFinished("IPCP", cause)
}

// fill puts what was agreed on into the event.
func (c *ipcp) fill(up *NetworkUp) {
	if c.state != stOpened {
		return
	}
	up.Local, up.Remote, up.Unused = c.local, c.remote, c.unused
	up.DNS = c.servers.agreed()
}
