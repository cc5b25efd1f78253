package ppp

// rejectProtocol sends a Protocol-Reject with the rejected packet, cut to the
// peer's MRU. RFC 1661 section 5.7 allows it in LCP's state Opened only.
func (l *Link) rejectProtocol(proto uint16, info []byte) {
	if l.lcp.state != stOpened {
		l.stats.WrongPhase++
		return
	}
	if !l.mayReject() {
		l.stats.RejectsSuppressed++
		return
	}
	l.stats.RejectsSent++
	info = info[:min(len(info), l.peerMRU()-headerLen-2)]
	data := append([]byte{byte(proto >> 8), byte(proto)}, info...)
	l.transmit(ProtoLCP, codeProtocolReject, l.lcp.newID(), data)
}

// protocolRejected stops the protocol that the peer does not know.
func (c *lcp) protocolRejected(p packet) {
	l := c.link
	if c.state != stOpened {
		l.stats.WrongPhase++
		return
	}
	if len(p.data) < 2 {
		l.stats.Malformed++
		return
	}
	l.stats.ProtocolRejectsIn++
	proto, quoted := uint16(p.data[0])<<8|uint16(p.data[1]), p.data[2:]
	if control := l.sentOf(proto) != nil; control && !l.believesReject(proto, quoted) {
		l.stats.RejectsDisbelieved++
		return
	}
	switch proto {
	case ProtoPAP, ProtoCHAP, ProtoEAP:
		l.fail(down(ClassPeer, "the peer agreed to %s and now rejects its protocol", l.authMethod()))
	case ProtoCCP:
		l.ccp.refusedByPeer()
	case ProtoIPCP:
		l.ipcp.refusedByPeer()
	case ProtoIPV6CP:
		l.ipv6cp.refusedByPeer()
	}
	c.handle(evRXJPlus)
}

// believesReject reports whether a peer can mean a Protocol-Reject of a control protocol: it does
// not speak it yet, and returns a packet of ours. What it has agreed to in that protocol, and LCP
// itself, it knows.
func (l *Link) believesReject(proto uint16, quoted []byte) bool {
	agreed := true
	switch proto {
	case ProtoPAP, ProtoCHAP, ProtoEAP:
		agreed = l.phase != phaseAuthenticate || l.auth == nil || l.auth.proto() != proto
	case ProtoCCP:
		agreed = l.ccp.state == stOpened
	case ProtoIPCP:
		agreed = l.ipcp.state == stOpened
	case ProtoIPV6CP:
		agreed = l.ipv6cp.state == stOpened
	}
	return !agreed && (l.isOurs(proto, quoted) || len(quoted) == 0 && l.unspoken(proto))
}

// unspoken reports whether the peer may still turn CCP or IPV6CP down with a Protocol-Reject that
// quotes nothing, as accel-ppp does: while the link is set up, and as long as it has said nothing
// in that protocol itself.
func (l *Link) unspoken(proto uint16) bool {
	var a *automaton
	switch proto {
	case ProtoCCP:
		a = &l.ccp.automaton
	case ProtoIPV6CP:
		a = &l.ipv6cp.automaton
	default:
		return false
	}
	return !l.networkUp && a.outstanding && !a.peerUp
}
