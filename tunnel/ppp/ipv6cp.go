package ppp

// ipv6cpOptInterfaceID is the one option of IPV6CP that is used (RFC 5072 section 4.1).
const ipv6cpOptInterfaceID = 1

// ipv6cp is the IPv6 Control Protocol (RFC 5072): each end needs an interface
// identifier that is not 0 and not the other's.
type ipv6cp struct {
	plainLayer
	automaton
	link *Link

	local   [8]byte
	remote  [8]byte
	refused bool // by Protocol-Reject
	finale  bool // it will not open any more
	closed  bool // the peer has closed it
	reopen  bool // it was closed, and is asked for once more
}

// newIPV6CP makes the layer, which begin fills.
func newIPV6CP(l *Link) *ipv6cp {
	c := &ipv6cp{link: l}
	c.automaton = l.automatonFor(ProtoIPV6CP, c)
	return c
}

// begin starts the negotiation.
func (c *ipv6cp) begin() {
	if c.refused {
		return
	}
	c.finale, c.closed, c.reopen = false, false, false
	if c.local == [8]byte{} {
		c.local = c.link.cfg.InterfaceID
	}
	if c.local == [8]byte{} {
		c.local = c.newID8()
	}
	c.start()
}

// newID8 is a random identifier that is neither 0 nor one of the two in use. The
// bit that claims worldwide uniqueness is off (RFC 5072 section 4.1).
func (c *ipv6cp) newID8() [8]byte {
	var id [8]byte
	for range 8 {
		if !c.link.random(id[:]) {
			break
		}
		id[0] &^= 2
		if id != [8]byte{} && id != c.local && id != c.remote {
			return id
		}
	}
	// The random source repeats itself: anything that differs from both will do.
	for id = ([8]byte{7: 1}); id == c.local || id == c.remote; id[7]++ {
	}
	return id
}

// taken reports whether another link has an identifier.
func (c *ipv6cp) taken(id [8]byte) bool {
	return c.link.cfg.InterfaceIDTaken != nil && c.link.cfg.InterfaceIDTaken(id)
}

// freeID8 is an identifier for the peer that no other link has, as far as a few tries can tell.
func (c *ipv6cp) freeID8() [8]byte {
	id := c.newID8()
	for range 8 {
		if !c.taken(id) {
			break
		}
		id = c.newID8()
	}
	return id
}

// alive reports whether the protocol is open or may open yet.
func (c *ipv6cp) alive() bool { return !c.finale && !c.refused }

func (c *ipv6cp) request() []byte { return appendOption(nil, ipv6cpOptInterfaceID, c.local[:]) }

func (c *ipv6cp) answer(options []byte, v *verdict) bool {
	c.remote = [8]byte{}
	eachOption(options, func(o option) {
		switch {
		case v.duplicate(o) || o.typ != ipv6cpOptInterfaceID:
			v.reject(o)
		case len(o.value) != 8 || [8]byte(o.value) == [8]byte{} || [8]byte(o.value) == c.local || c.taken([8]byte(o.value)):
			id := c.freeID8()
			v.nak(o, id[:])
		default:
			c.remote = [8]byte(o.value)
		}
	})
	if !v.has(ipv6cpOptInterfaceID) {
		id := c.freeID8()
		v.want(ipv6cpOptInterfaceID, id[:])
	}
	return true
}

func (c *ipv6cp) naked(options []byte) {
	eachOption(options, func(o option) {
		if o.typ != ipv6cpOptInterfaceID || c.link.cfg.InterfaceID != [8]byte{} {
			return
		}
		if len(o.value) == 8 && [8]byte(o.value) != [8]byte{} && [8]byte(o.value) != c.remote {
			c.local = [8]byte(o.value)
			return
		}
		c.local = c.newID8()
	})
}

// rejected: without identifiers there is no IPv6 on this link.
func (c *ipv6cp) rejected([]byte) { c.refused = true }

func (c *ipv6cp) stuck() { c.refused = true }

// refusedByPeer takes a Protocol-Reject; IPv4 goes on.
func (c *ipv6cp) refusedByPeer() {
	c.refused = true
	c.stop()
	c.link.networkFinished("IPV6CP", evRXJMinus)
}

func (c *ipv6cp) up()   { c.link.networkChanged() }
func (c *ipv6cp) down() { c.link.networkChanged() }

func (c *ipv6cp) finished(cause event) {
	if c.closed && !c.refused && c.link.networkUp {
		c.reopen = true // in settle
		return
	}
	c.finale = true
	c.link.networkFinished("IPV6CP", cause)
}

// peerTerminates: anybody can forge that, so an open protocol is asked for once more; who has
// closed it says no. Another one while the first is being worked off changes nothing about that.
func (c *ipv6cp) peerTerminates([]byte) { c.closed = c.closed || c.state == stOpened }

// again asks for the protocol once more.
func (c *ipv6cp) again() {
	c.closed, c.reopen = false, false
	c.handle(evClose) // from Stopped to Closed
	c.forget()
	c.peerUp = true
	c.handle(evOpen)
}

// fill puts what was agreed on into the event.
func (c *ipv6cp) fill(up *NetworkUp) {
	if c.state != stOpened {
		return
	}
	up.LocalIPv6 = LinkLocal(c.local)
	if c.remote != [8]byte{} {
		up.RemoteIPv6 = LinkLocal(c.remote)
	}
}
