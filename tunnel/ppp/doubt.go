package ppp

import (
	"bytes"
	"time"
)

// A Terminate-Request or Configure-Request ends or interrupts a link that works, and anyone can
// forge one: control frames are never encrypted. But a peer that has sent one is not open any more:
// it answers no Echo-Request (RFC 1661 section 5.8 wants that in state Opened only) and sends no
// data. So such a request waits for a moment, in which the peer is asked for an echo; who answers
// that, or goes on sending data that decrypts, did not send the request. CCP has something like an
// echo, too: a Reset-Request (RFC 1962 section 3.1), which pppd as well answers in state Opened
// only, and which resets nothing where every packet has a key of its own.

// doubt is a request that waits for what the peer does next; a nil frame is none.
type doubt struct {
	frame []byte    // the packet, from its code on
	since time.Time // when it came
	until time.Time // when it is believed if nothing has spoken against it
	probe time.Time // when the peer is asked next; zero: not at all
}

// doubts are those of each protocol.
type doubts struct{ lcp, ccp, ipcp, ipv6cp doubt }

const (
	// A request waits for four times as long as the peer took to answer lately, within these
	// bounds.
	minDoubt = 200 * time.Millisecond
	maxDoubt = time.Second
	// probes is how often the peer is asked in the first half of the time.
	probes = 3
)

// answered keeps how long the peer takes to answer: a slow answer at once, a fast one little by
// little.
func (l *Link) answered(took time.Duration) {
	l.rtt = max(took, l.rtt-l.rtt/4+took/4)
}

// doubtTime is how long a request waits.
func (l *Link) doubtTime() time.Duration {
	if l.rtt == 0 {
		return maxDoubt
	}
	return min(max(4*l.rtt, minDoubt), maxDoubt)
}

// doubted takes a packet that would end or interrupt the open layer of a link whose network is up,
// or end a link that was up and is being negotiated anew; true if it waits or is dropped.
func (l *Link) doubted(a *automaton, slot *doubt, p packet) bool {
	switch {
	case l.reason != nil:
		return false
	case a.state != stOpened || !l.networkUp && !l.openAnew(a):
		return l.doubtedAnew(a, slot, p)
	}
	switch p.code {
	case codeConfigureRequest:
		if checkOptions(p.data) != nil || a.acknowledged(p) || a.seen(p) {
			return false
		}
	case codeTerminateRequest:
	default:
		return false
	}
	l.doubt(a, slot, p)
	return true
}

// openAnew reports whether a protocol that all the rest rests on is open again on a link that was
// up.
func (l *Link) openAnew(a *automaton) bool {
	return l.wasUp && (a == &l.lcp.automaton || a == &l.ccp.automaton)
}

// doubtedAnew is doubted for a protocol that is being negotiated anew on a link that was up: any
// forged packet that begins that would otherwise let a second one end the link. Who goes on
// negotiating has not ended it; but the peer may doubt our own request before it answers.
func (l *Link) doubtedAnew(a *automaton, slot *doubt, p packet) bool {
	switch {
	case !l.wasUp || !a.negotiating():
	case p.code == codeTerminateRequest:
		l.doubt(a, slot, p)
		if slot.since.Equal(l.now) {
			slot.until = l.now.Add(maxDoubt + l.doubtTime())
		}
		return true
	case p.code >= codeConfigureRequest && p.code <= codeConfigureReject:
		l.speaksAgainst(slot)
	}
	return false
}

// doubt lets a request wait.
func (l *Link) doubt(a *automaton, slot *doubt, p packet) {
	if len(p.raw) > maxHeld {
		l.stats.Malformed++
		return
	}
	if slot.frame != nil {
		l.stats.Repeated++
		if p.code == codeTerminateRequest {
			slot.frame = bytes.Clone(p.raw) // the end is more than a new beginning
		}
		return
	}
	slot.frame = bytes.Clone(p.raw)
	slot.since, slot.until = l.now, l.now.Add(l.doubtTime())
	if l.ask(slot) != nil {
		slot.probe = l.now
		l.expireProbe(slot)
	}
}

// ask is how the peer is asked whether the protocol is open there, nil if it cannot be asked.
func (l *Link) ask(d *doubt) func() {
	switch {
	case d == &l.doubts.lcp && l.lcp.state == stOpened && !l.lcp.alive.refused:
		return func() { l.lcp.askEcho(&l.lcp.alive.probed) }
	case d == &l.doubts.ccp && l.ccp.state == stOpened && l.ccp.want&mppeStateless != 0:
		return l.ccp.askReset
	}
	return nil
}

// mayStartOver takes a token from a budget of negotiations that the peer begins anew. Over it they
// are ignored, as anybody can forge them; a peer that means it will give up by itself. IPv6 has a
// budget of its own: what is forged there interrupts nothing else, and takes no honest negotiation
// of the rest away.
func (l *Link) mayStartOver(d *doubt) bool {
	b := &l.changes
	if d == &l.doubts.ipv6cp {
		b = &l.changes6
	}
	if !b.take(l.now) {
		l.stats.TooOften++
		return false
	}
	return true
}

// expireProbe asks the peer.
func (l *Link) expireProbe(d *doubt) {
	if d.probe.IsZero() || l.now.Before(d.probe) {
		return
	}
	every := d.until.Sub(d.since) / (2 * probes)
	d.probe = d.probe.Add(every)
	if d.probe.Sub(d.since) >= probes*every {
		d.probe = time.Time{}
	}
	if ask := l.ask(d); ask != nil {
		ask()
	}
}

// speaksAgainst drops what waits: the peer has shown that it did not send it.
func (l *Link) speaksAgainst(d *doubt) {
	if d.frame != nil {
		l.stats.Forged++
		*d = doubt{}
	}
}

// expireDoubts decides about what has waited long enough.
func (l *Link) expireDoubts() {
	l.expireProbe(&l.doubts.lcp)
	l.expireProbe(&l.doubts.ccp)
	l.expireDoubt(&l.doubts.lcp, l.lcp.receive)
	if l.doubts.lcp.frame != nil {
		return // what becomes of LCP decides about the rest
	}
	l.expireDoubt(&l.doubts.ccp, func(p packet) {
		if l.ccp.state != stOpened {
			l.ccp.receive(p)
			return
		}
		// The keys cannot be used from their start again: encryption begins anew with a new login,
		// and all else with it.
		l.startOver()
	})
	l.expireDoubt(&l.doubts.ipcp, func(p packet) {
		if p.code == codeTerminateRequest && l.ipcp.state == stOpened {
			l.startOver()
			return
		}
		l.ipcp.receive(p)
	})
	l.expireDoubt(&l.doubts.ipv6cp, l.ipv6cp.receive)
}

// expireDoubt drops a request that was forged, and believes any other.
func (l *Link) expireDoubt(d *doubt, believe func(packet)) {
	if d.frame == nil || l.now.Before(d.until) || l.reason != nil {
		return
	}
	was := *d
	*d = doubt{}
	// What was on the way when the peer sent the request may come in the first half.
	if l.lastDataFor(d).After(was.since.Add(was.until.Sub(was.since) / 2)) {
		l.stats.Forged++
		return
	}
	p, err := parsePacket(was.frame)
	if err != nil {
		return
	}
	end := d == &l.doubts.lcp && p.code == codeTerminateRequest
	if !end && !l.mayStartOver(d) {
		return
	}
	believe(p)
}

// lastData is when the peer last sent something that proved itself; zero: never, or nobody can say.
func (l *Link) lastData() time.Time {
	ipv4, ipv6 := l.lastDataByFamily()
	if ipv6.After(ipv4) {
		return ipv6
	}
	return ipv4
}

func (l *Link) lastDataByFamily() (ipv4, ipv6 time.Time) {
	if l.cfg.LastData == nil {
		return ipv4, ipv6
	}
	return l.cfg.LastData()
}

// lastDataFor is when the peer last sent data that it cannot send when it has sent what waits: of
// either family where that takes both, else of the one.
func (l *Link) lastDataFor(d *doubt) time.Time {
	ipv4, ipv6 := l.lastDataByFamily()
	switch d {
	case &l.doubts.ipcp:
		return ipv4
	case &l.doubts.ipv6cp:
		return ipv6
	}
	return l.lastData()
}

// startOver negotiates the whole link anew: the peer has closed a part of it that the link cannot
// do without, or wants it negotiated anew. A peer that means to end the link does so now.
func (l *Link) startOver() {
	if l.lcp.state != stOpened {
		return
	}
	l.lcp.handle(evDown)
	l.lcp.forget()
	l.lcp.peerUp = true
	l.lcp.renew()
	l.lcp.handle(evUp)
}
