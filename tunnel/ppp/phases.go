package ppp

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"
)

// heldPackets are packets that came a step too early: the peer is a packet ahead
// of us, or the network has changed their order. Only the last one of each
// protocol is kept, and only until its protocol starts.
type heldPackets struct {
	auth, ccp, ipcp, ipv6cp []byte
	authProto               uint16 // of auth: PAP, CHAP or EAP
}

// maxHeld is the longest packet kept, bytes.
const maxHeld = 2048

// hold keeps a copy of a packet that opens a conversation.
func (l *Link) hold(slot *[]byte, p packet) {
	l.stats.WrongPhase++
	// Configure-Request, Challenge and PAP's request all have code 1.
	if p.code == codeConfigureRequest && len(p.raw) <= maxHeld {
		*slot = bytes.Clone(p.raw)
	}
}

// releaseTo hands a held request to its protocol, which has sent its own only now that the peer's
// is up.
func releaseTo(slot *[]byte, a *automaton) {
	a.peerUp = *slot != nil
	release(slot, a.receive)
}

// release hands a held packet to whoever was missing.
func release(slot *[]byte, receive func(packet)) {
	raw := *slot
	*slot = nil
	if raw == nil {
		return
	}
	if p, err := parsePacket(raw); err == nil {
		receive(p)
	}
}

// route gives a frame's content to its protocol.
func (l *Link) route(proto uint16, info []byte) {
	if proto != ProtoLCP && l.reason != nil {
		l.stats.WrongPhase++
		return
	}
	var handle func(packet)
	switch proto {
	case ProtoLCP:
		handle = func(p packet) { l.routeOpen(&l.lcp.automaton, &l.doubts.lcp, p) }
	case ProtoPAP, ProtoCHAP, ProtoEAP:
		handle = func(p packet) { l.routeAuth(proto, p) }
	case ProtoCCP:
		handle = l.routeCCP
	case ProtoIPCP:
		handle = func(p packet) { l.routeNetwork(&l.ipcp.automaton, &l.held.ipcp, &l.doubts.ipcp, p) }
	case ProtoIPV6CP:
		handle = l.routeIPV6CP
	case ProtoIPv4, ProtoIPv6, ProtoCompressed:
		l.stats.WrongPhase++ // the owner's business; it gave us one by mistake
		return
	default:
		l.stats.UnknownProtocol++
		// Before the network phase RFC 1661 section 3.5 wants silence.
		if l.phase == phaseNetwork {
			l.rejectProtocol(proto, info)
		}
		return
	}
	p, err := parsePacket(info)
	if err != nil {
		l.stats.Malformed++
		return
	}
	handle(p)
}

// routeOpen gives a packet to a protocol that is being spoken, unless the peer is asked first
// whether it can mean it.
func (l *Link) routeOpen(a *automaton, slot *doubt, p packet) {
	if !l.doubted(a, slot, p) {
		a.receive(p)
	}
}

// routeAuth takes PAP, CHAP and EAP.
func (l *Link) routeAuth(proto uint16, p packet) {
	switch {
	case l.auth != nil && l.auth.proto() == proto:
		l.auth.receive(p)
	case l.auth == nil && l.lcp.state >= stReqSent:
		// The peer has our Ack already, and its own has not arrived here.
		l.hold(&l.held.auth, p)
		l.held.authProto = proto
	default:
		l.stats.WrongPhase++
	}
}

// routeCCP takes CCP, which is not spoken where there will be no encryption.
func (l *Link) routeCCP(p packet) {
	switch {
	case l.ccp.running():
		l.routeOpen(&l.ccp.automaton, &l.doubts.ccp, p)
	case l.phase == phaseAuthenticate:
		l.hold(&l.held.ccp, p)
		l.aheadOfAuth()
	case l.phase == phaseNetwork:
		if !l.networkUp {
			l.refused = "encryption, which is off here"
			if l.cfg.MPPE.Mode != Off {
				l.refused = fmt.Sprintf("encryption, for which %s gives no keys", l.authMethod())
			}
		}
		l.rejectProtocol(ProtoCCP, p.raw)
	default:
		l.stats.WrongPhase++
	}
}

// routeIPV6CP takes IPV6CP, or rejects it where it is switched off.
func (l *Link) routeIPV6CP(p packet) {
	if !l.cfg.IPv6 || l.ipv6cp.refused && l.ipv6cp.state == stInitial {
		if l.phase == phaseNetwork {
			l.rejectProtocol(ProtoIPV6CP, p.raw)
		} else {
			l.stats.WrongPhase++
		}
		return
	}
	l.routeNetwork(&l.ipv6cp.automaton, &l.held.ipv6cp, &l.doubts.ipv6cp, p)
}

// routeNetwork takes a network control protocol. While encryption is still being
// negotiated nothing is acknowledged: the last request waits (RFC 3078 section 9).
func (l *Link) routeNetwork(a *automaton, slot *[]byte, in *doubt, p packet) {
	switch {
	case l.networkStarted:
		l.routeOpen(a, in, p)
	case l.phase == phaseAuthenticate || l.phase == phaseNetwork:
		l.hold(slot, p)
		l.aheadOfAuth()
		l.startUnanswered()
	default:
		l.stats.WrongPhase++
	}
}

// established begins the authentication phase: LCP is open.
func (l *Link) established() {
	if !l.networkUp && !l.logins.take(l.now) {
		l.fail(down(ClassPeer, "the peer renegotiates the link over and over"))
		return
	}
	l.phase = phaseAuthenticate
	l.refused = ""
	l.creds.forget()
	l.lcp.startEcho()
	if l.authMethod() == 0 {
		// Neither side of answerAuth and request lets this happen.
		l.fail(down(ClassPolicy, "no authentication was agreed on"))
		return
	}
	l.auth = l.newAuthenticator()
	l.auth.start()
	if l.held.authProto == l.auth.proto() {
		release(&l.held.auth, l.auth.receive)
	}
	l.held.auth = nil
}

// lost takes everything above LCP down: LCP has left the opened state.
func (l *Link) lost() {
	l.lcp.stopEcho()
	l.auth = nil
	if l.verdict != nil {
		l.fail(l.verdict) // there is no second try
	}
	l.ipcp.stop()
	l.ipv6cp.stop()
	l.ccp.stop()
	l.creds.forget()
	l.networkStarted, l.encrypted = false, false
	l.held, l.doubts = heldPackets{}, doubts{}
	if l.reason == nil {
		l.stats.Renegotiations++
		l.phase = phaseEstablish
	}
}

// startCompression begins the network phase with CCP, where there are keys for it.
func (l *Link) startCompression() {
	switch {
	case l.cfg.MPPE.Mode != Off && l.creds.valid:
		l.ccp.begin()
		releaseTo(&l.held.ccp, &l.ccp.automaton)
		l.startUnanswered()
	case l.cfg.MPPE.required():
		l.fail(down(ClassPolicy, "encryption is required and %s gives no keys", l.authMethod()))
	default:
		l.startNetwork()
	}
}

// startNetwork begins IPCP and IPV6CP: encryption is up, or there will be none. A link that had
// encryption does not go on without: whoever can put a packet on the wire could have it
// renegotiated.
func (l *Link) startNetwork() {
	if l.networkStarted || l.reason != nil {
		return
	}
	if l.wasEncrypted && !l.encrypted {
		l.fail(down(ClassPolicy, "the link was renegotiated without the encryption it had"))
		return
	}
	l.networkStarted = true
	l.ipcp.begin()
	releaseTo(&l.held.ipcp, &l.ipcp.automaton)
	if l.cfg.IPv6 {
		l.ipv6cp.begin()
		releaseTo(&l.held.ipv6cp, &l.ipv6cp.automaton)
	}
}

// startUnanswered begins IPCP where the link may do without encryption and the peer leaves CCP
// unanswered: it has gone on to IPCP itself, or our first request has got no answer in its time. If
// encryption comes later all the same, it is taken.
func (l *Link) startUnanswered() {
	if l.networkStarted || l.phase != phaseNetwork || l.cfg.MPPE.required() || l.wasEncrypted || !l.ccp.running() || l.ccp.peerUp {
		return
	}
	if l.held.ipcp != nil || l.ccp.restart < l.ccp.lim.maxConfigure-1 {
		l.startNetwork()
	}
}

// networkChanged reports that a network protocol has opened or closed.
func (l *Link) networkChanged() {
	if l.lcp.state != stOpened || l.ipcp.state != stOpened && l.ipv6cp.state != stOpened {
		l.networkGone()
		return
	}
	if !l.networkUp && l.networkComing() {
		return
	}
	if !l.wasUp {
		l.lcp.drawNonce()
	}
	l.networkUp, l.wasUp = true, true
	l.logins.refill()
	l.refused = ""
	l.setup, l.grace = time.Time{}, time.Time{}
	up := NetworkUp{
		SendMRU:   l.lcp.his.mru,
		PeerMagic: l.lcp.his.magic,
		EchoNonce: l.lcp.nonce,
		PFC:       l.lcp.his.pfc,
		ACFC:      l.lcp.his.acfc,
	}
	l.ipcp.fill(&up)
	l.ipv6cp.fill(&up)
	l.out.pushEvent(up)
}

// networkComing reports whether the first report should wait for a network protocol that is still
// being negotiated. IPV6CP opens an exchange before IPCP, and an owner who is told of IPv6 alone
// has no IPv4 address to set up; the other way round one try's time is enough, for many peers
// answer IPV6CP with silence.
func (l *Link) networkComing() bool {
	switch {
	case l.ipcp.state != stOpened:
		return l.ipcp.alive()
	case l.ipv6cp.state == stOpened || !l.cfg.IPv6 || !l.ipv6cp.alive():
		return false
	case l.grace.IsZero():
		l.grace = l.now.Add(l.cfg.RestartTimer)
	}
	return l.now.Before(l.grace)
}

// expireGrace reports the network without the protocol that was waited for.
func (l *Link) expireGrace() {
	if !l.grace.IsZero() && !l.now.Before(l.grace) {
		l.networkChanged()
	}
}

// networkGone reports, once, that user data must stop.
func (l *Link) networkGone() {
	l.grace = time.Time{}
	if !l.networkUp {
		return
	}
	l.networkUp = false
	l.out.pushEvent(NetworkDown{})
	if l.reason == nil {
		l.setup = l.now.Add(l.cfg.SetupTimeout)
	}
}

// networkFinished ends a link that has no network protocol left to open; else what is open waits
// for this one no longer.
func (l *Link) networkFinished(what string, cause event) {
	if l.lcp.state != stOpened || !l.networkStarted {
		return
	}
	if l.ipcp.alive() || l.cfg.IPv6 && l.ipv6cp.alive() {
		if !l.networkUp {
			l.networkChanged()
		}
		return
	}
	if cause == evTOMinus {
		l.fail(down(ClassTimeout, "the peer does not complete %s", what))
		return
	}
	l.fail(down(ClassPeer, "the peer closed or refused %s", what))
}

// leftByPeer is the reason for a link that the peer has ended. One that goes when its wish was
// refused does so because of that: the two do not agree.
func (l *Link) leftByPeer(message string) *DownError {
	switch {
	case l.refused != "":
		return down(ClassPolicy, "%s; it wants %s", message, l.refused)
	case l.ccp.trouble != "" && !l.encrypted && !l.networkUp:
		return down(ClassPolicy, "%s; of encryption %s", message, l.ccp.trouble)
	}
	return down(ClassPeer, "%s", message)
}

// setupTimeout is the reason for a link that never carried data.
func (l *Link) setupTimeout() *DownError {
	d := down(ClassTimeout, "the link was not ready after %s (phase %s)", l.cfg.SetupTimeout, l.phase)
	d.NothingReceived = l.heard == 0
	return d
}

// assignment is the two addresses a server has given out.
type assignment struct {
	done          bool
	user          string
	local, remote netip.Addr
}

// assign asks the owner for addresses, once.
func (l *Link) assign(user string) bool {
	a := &l.assignment
	if a.done {
		if a.user == user {
			return true
		}
		l.fail(down(ClassPolicy, "the peer changed its user name while the link was up"))
		return false
	}
	local, remote, err := l.cfg.Assign(user)
	if err != nil {
		l.fail(down(ClassAdmin, "no tunnel address for the peer: %v", err))
		return false
	}
	*a = assignment{done: true, user: user, local: local.Unmap(), remote: remote.Unmap()}
	if !usableAddr(a.local) || !usableAddr(a.remote) || a.local == a.remote {
		l.fail(down(ClassAdmin, "the tunnel addresses %s and %s given for the peer cannot be used", local, remote))
		return false
	}
	if l.allowed != nil && !l.allowed(a.remote) {
		l.fail(down(ClassPolicy, "the account may not use the tunnel address %s", a.remote))
		return false
	}
	return true
}
