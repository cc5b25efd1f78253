package ppp

import "time"

// Protocol-Rejects and Code-Rejects that may go out at once, and how often
// another one may: a peer with the wrong keys sends nothing but random protocols.
const (
	rejectBurst    = 8
	rejectInterval = 250 * time.Millisecond
)

// rejectBudget is a token bucket.
type rejectBudget struct {
	tokens int
	last   time.Time
}

// take takes a token, false if there is none.
func (b *rejectBudget) take(now time.Time) bool {
	if b.last.IsZero() {
		b.tokens, b.last = rejectBurst, now
	}
	if n := now.Sub(b.last) / rejectInterval; n > 0 {
		b.tokens = int(min(time.Duration(rejectBurst), time.Duration(b.tokens)+n))
		b.last = b.last.Add(n * rejectInterval)
	}
	if b.tokens == 0 {
		return false
	}
	b.tokens--
	return true
}

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
	proto := uint16(p.data[0])<<8 | uint16(p.data[1])
	switch proto {
	case ProtoLCP:
		l.fail(down(ClassPeer, "the peer rejects LCP itself"))
		c.handle(evRXJMinus)
		return
	case ProtoPAP, ProtoCHAP:
		if l.auth != nil && l.auth.proto() == proto {
			l.fail(down(ClassPeer, "the peer agreed to %s and now rejects its protocol", l.authMethod()))
		}
	case ProtoCCP:
		l.ccp.refusedByPeer()
	case ProtoIPCP:
		l.ipcp.refusedByPeer()
	case ProtoIPV6CP:
		l.ipv6cp.refusedByPeer()
	}
	c.handle(evRXJPlus)
}
