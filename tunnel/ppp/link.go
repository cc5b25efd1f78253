package ppp

import (
	"encoding/binary"
	"io"
	"net/netip"
	"time"
)

// phase is where a link stands (RFC 1661 section 3.2).
type phase int

const (
	phaseDead phase = iota
	phaseEstablish
	phaseAuthenticate
	phaseNetwork
	phaseTerminate
)

// String is the phase in one word.
func (p phase) String() string {
	return [...]string{"dead", "establish", "authenticate", "network", "terminate"}[p]
}

// Link is one end of a PPP link. It must not be used by two goroutines at once.
type Link struct {
	cfg   Config
	phase phase
	stats Stats
	now   time.Time // of the call being worked on
	out   output

	opened   bool // Open was called
	ended    bool // LinkDown was given out
	closing  bool // the way down has begun
	reason   *DownError
	heard    uint64    // frames received since Open
	setup    time.Time // when a network protocol must be open; zero: one is
	grace    time.Time // until when IPv4 waits for IPv6 to be reported with it; zero: it does not
	rejects  budget
	changes  budget // of negotiations begun anew while the network is up
	changes6 budget // the same of IPV6CP

	rechallenges budget
	logins       budget
	held         heldPackets
	sent         struct{ lcp, auth, ccp, ipcp, ipv6cp sentPackets }
	doubts       doubts
	asks         ask
	rtt          time.Duration // how long the peer takes to answer; 0: not known

	lcp     *lcp
	auth    authenticator // nil outside of phases Authenticate and Network
	creds   credentials
	verdict *DownError // why the link is about to end, whoever ends it
	ccp     *ccp
	ipcp    *ipcp
	ipv6cp  *ipv6cp

	refused           string // what the peer wants and this side will not do; empty once that is settled
	withoutEncryption bool   // CCP has failed where the link may do without it

	networkStarted bool // IPCP and IPV6CP have been started
	networkUp      bool // NetworkUp was given out
	wasUp          bool // NetworkUp was ever given out
	encrypted      bool // EncryptionUp was given out since LCP opened
	wasEncrypted   bool // EncryptionUp was ever given out
	assignment     assignment
	allowed        func(netip.Addr) bool // server: of the account
}

// New makes a link in phase Dead. The error names the setting that cannot work.
func New(cfg Config) (*Link, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	l := &Link{cfg: cfg}
	l.rejects = budget{burst: rejectBurst, interval: rejectInterval}
	l.changes = budget{burst: changeBurst, interval: changeInterval}
	l.changes6 = l.changes
	l.rechallenges = budget{burst: rechallengeBurst, interval: rechallengeInterval}
	l.logins = budget{burst: loginBurst, interval: loginInterval}
	l.out = output{send: cfg.Send, event: cfg.Event}
	l.lcp = newLCP(l)
	l.ccp = newCCP(l)
	l.ipcp = newIPCP(l)
	l.ipv6cp = newIPV6CP(l)
	return l, nil
}

// Open starts the link: the call below is up. It does nothing the second time.
func (l *Link) Open(now time.Time) {
	if l.opened || l.ended {
		return
	}
	defer l.enter(now)()
	l.opened = true
	l.phase = phaseEstablish
	l.setup = l.now.Add(l.cfg.SetupTimeout)
	l.lcp.renew()
	l.lcp.start()
}

// Close ends the link in order; LinkDown with class ClassAdmin follows. reason
// is for the message and goes to the peer in the Terminate-Request.
func (l *Link) Close(now time.Time, reason string) {
	if l.ended {
		return
	}
	defer l.enter(now)()
	if reason == "" {
		reason = "closed"
	}
	l.fail(&DownError{Class: ClassAdmin, Message: reason})
	if !l.opened {
		l.finish()
	}
}

// LowerDown ends the link at once: the call below is gone.
func (l *Link) LowerDown(now time.Time) { l.LowerDownFor(now, "the call below the link was cleared") }

// LowerDownFor is LowerDown for a reason, in words for people.
func (l *Link) LowerDownFor(now time.Time, why string) {
	if l.ended {
		return
	}
	defer l.enter(now)()
	if d := l.doubts.lcp.frame; d != nil && d[0] == codeTerminateRequest {
		l.lcp.peerTerminates(d[headerLen:]) // so the peer did mean it
	}
	if l.reason == nil {
		l.endFor(l.leftByPeer(why))
		l.reason.CallCleared = true
	}
	l.closing = true
	l.lcp.stop()
	l.finish()
}

// Input takes one frame from the peer, which it does not keep.
func (l *Link) Input(now time.Time, frame []byte) {
	if !l.opened || l.ended {
		return
	}
	defer l.enter(now)()
	l.stats.FramesIn++
	l.heard++
	proto, info, err := ParseFrame(frame)
	if err != nil {
		l.stats.Malformed++
		return
	}
	l.route(proto, info)
}

// Tick does what is due.
func (l *Link) Tick(now time.Time) {
	if !l.opened || l.ended {
		return
	}
	defer l.enter(now)()
	l.lcp.expire()
	if l.ended {
		return
	}
	l.lcp.expireEcho()
	l.expireAsk()
	l.expireDoubts()
	l.ccp.expire()
	l.ccp.expireReset()
	l.startUnanswered()
	l.ipcp.expire()
	l.ipv6cp.expire()
	l.expireGrace()
	if l.auth != nil {
		l.auth.expire()
	}
	if !l.setup.IsZero() && !l.now.Before(l.setup) {
		l.setup = time.Time{}
		l.fail(l.setupTimeout())
	}
}

// Deadline is when Tick has something to do, false if never.
func (l *Link) Deadline() (time.Time, bool) {
	if !l.opened || l.ended {
		return time.Time{}, false
	}
	var first time.Time
	for _, t := range l.timers() {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first, !first.IsZero()
}

// timers is every timer, zero where it does not run.
func (l *Link) timers() [16]time.Time {
	t := [...]time.Time{
		l.lcp.timer, l.lcp.alive.timer, l.ccp.timer, l.ccp.reset.timer, l.ipcp.timer, l.ipv6cp.timer, l.setup, l.grace,
		l.doubts.lcp.probe, l.doubts.lcp.until, l.doubts.ccp.until, l.doubts.ipcp.until, l.doubts.ipv6cp.until,
		l.doubts.ccp.probe, l.asks.again, {},
	}
	if l.doubts.lcp.frame != nil {
		t[10], t[11], t[12] = time.Time{}, time.Time{}, time.Time{} // they wait for LCP's
	}
	if l.auth != nil {
		t[len(t)-1] = l.auth.deadline()
	}
	return t
}

// CloseIPv6 ends IPV6CP for the rest of the link's life; IPv4 goes on.
func (l *Link) CloseIPv6(now time.Time) {
	if l.ended {
		return
	}
	defer l.enter(now)()
	l.ipv6cp.refused = true
}

// RequestReset asks the peer to start its encrypter over (stateful MPPE). At
// most one request is outstanding; it is repeated every second until the
// Reset-Ack comes or ResetDone is called.
func (l *Link) RequestReset(now time.Time) {
	if l.ended {
		return
	}
	defer l.enter(now)()
	l.ccp.requestReset()
}

// ResetDone ends an outstanding Reset-Request: a FLUSHED packet has arrived,
// which is an answer as good as a Reset-Ack (RFC 3078 section 8.2).
func (l *Link) ResetDone(now time.Time) {
	if l.ended {
		return
	}
	defer l.enter(now)()
	l.ccp.endReset()
}

// Stats is a copy of the counters.
func (l *Link) Stats() Stats { return l.stats }

// enter begins a call from outside; what it returns ends it.
func (l *Link) enter(now time.Time) func() {
	// Time that runs backwards would start timers anew for nothing.
	if now.After(l.now) {
		l.now = now
	}
	return func() {
		l.settle()
		l.out.drain()
	}
}

// fail asks for the way down. The first reason counts. The way begins when the
// packet or timer being worked on is done, so that no automaton is pulled from
// under its own transition.
func (l *Link) fail(reason *DownError) {
	if l.reason == nil && !l.ended {
		l.endFor(reason)
	}
}

// endFor keeps why the link ends.
func (l *Link) endFor(reason *DownError) {
	if l.verdict != nil {
		reason = l.verdict
	}
	reason.WasUp = l.wasUp
	reason.AskedEAP = l.lcp.nakedEAP != nil && l.phase == phaseEstablish && (reason.Class == ClassPolicy || reason.Class == ClassPeer)
	l.reason = reason
}

// settle does what had to wait for the end of a transition: it closes layers that
// have given up, and begins the way down if there is a reason for it.
func (l *Link) settle() {
	if l.reason == nil && l.withoutEncryption {
		l.withoutEncryption = false
		l.ccp.handle(evClose)
		l.startNetwork()
	}
	if l.ipv6cp.reopen && l.reason == nil {
		l.ipv6cp.again()
	}
	if l.ipv6cp.refused && l.ipv6cp.negotiating() {
		l.ipv6cp.handle(evClose)
		l.networkFinished("IPV6CP", evRCN)
	}
	if l.reason == nil || l.closing || l.ended {
		return
	}
	l.closing = true
	l.phase = phaseTerminate
	l.doubts = doubts{}
	l.setup, l.grace = time.Time{}, time.Time{}
	l.out.pushEvent(Closing{Reason: l.reason})
	if l.lcp.alive.unanswered > 0 {
		l.lcp.lim.maxTerminate = 1 // the peer is silent already
	}
	l.lcp.handle(evClose)
	// In states without a lower layer, and from a peer that was never heard, nothing more will
	// come.
	if l.lcp.state == stClosed || l.lcp.state == stInitial || l.heard == 0 {
		l.finish()
	}
}

// finish gives out LinkDown, once.
func (l *Link) finish() {
	if l.ended {
		return
	}
	if l.reason == nil {
		l.endFor(down(ClassPeer, "the link went down"))
	}
	if !l.closing {
		l.closing = true
		l.out.pushEvent(Closing{Reason: l.reason})
	}
	l.ended = true
	l.phase = phaseDead
	l.auth = nil
	l.creds.forget()
	l.out.pushEvent(LinkDown{Reason: l.reason})
}

// terminateText is what our Terminate-Request tells the peer: why, unless the
// peer knows that best.
func (l *Link) terminateText() []byte {
	if l.reason == nil || l.reason.Class == ClassPeer {
		return nil
	}
	return []byte(printable([]byte(l.reason.Message)))
}

// randomMagic is a number other than 0 and not.
func (l *Link) randomMagic(not uint32) uint32 {
	for range 8 {
		var b [4]byte
		if !l.random(b[:]) {
			return 0
		}
		if m := binary.BigEndian.Uint32(b[:]); m != 0 && m != not {
			return m
		}
	}
	// A source that keeps giving the same value is no source; any other number
	// keeps the protocol going and the loop counters find the rest.
	return not ^ 0x5A5A5A5A | 1
}

// random fills b, or ends the link.
func (l *Link) random(b []byte) bool {
	if _, err := io.ReadFull(l.cfg.Rand, b); err != nil {
		l.fail(down(ClassAdmin, "no random numbers: %v", err))
		return false
	}
	return true
}

// duration makes a count a factor of time.
func duration(n int) time.Duration { return time.Duration(n) }
