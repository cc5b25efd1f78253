package ppp

import (
	"bytes"
	"time"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// eapStep is how far a client has come.
type eapStep int

const (
	eapAsked    eapStep = iota // the server has not challenged us
	eapAnswered                // our Response has no verdict yet
	eapProven                  // both ends have proved that they know the password; EAP's own Success is due
)

const (
	maxNotices = 4 // of a link
	// Requests until we are let in: a login takes four or five.
	maxEAPRequests = 40
	// How often a type may be refused before the server is taken to insist on it.
	maxEAPNaks = 3
)

// eapClient answers Requests (RFC 3748) with EAP-MSCHAPv2, at any time after LCP has opened. It
// sends nothing by itself, and nothing again but to a Request that comes again: in EAP that is the
// server's business (section 4.1).
type eapClient struct {
	link *Link
	step eapStep
	done bool      // taken once since LCP opened
	wait time.Time // for the next Request; zero: not

	id       byte   // of the Request answered last
	request  []byte // it
	response []byte // our answer to it
	requests int    // answered
	naks     int
	wants    string // the type that we have refused last
	notices  int

	login mschapLogin
	creds credentials // of step eapProven
}

func (c *eapClient) proto() uint16       { return ProtoEAP }
func (c *eapClient) deadline() time.Time { return c.wait }
func (c *eapClient) start()              { c.patient() }

// patient waits for what the server says next.
func (c *eapClient) patient() { c.wait = c.link.now.Add(c.link.cfg.RestartTimer * maxConfigure) }

func (c *eapClient) expire() {
	l := c.link
	if c.wait.IsZero() || l.now.Before(c.wait) {
		return
	}
	c.wait = time.Time{}
	switch {
	case c.step == eapProven:
		c.succeed()
	case c.request == nil:
		l.fail(down(ClassTimeout, "the server asks for EAP authentication and sends no request"))
	case c.step == eapAnswered:
		l.fail(down(ClassTimeout, "the server does not answer our %s response", EAPMSCHAPv2))
	default:
		l.fail(down(ClassTimeout, "the server begins EAP authentication and does not challenge us"))
	}
}

func (c *eapClient) receive(p packet) {
	switch p.code {
	case eapRequest:
		c.receiveRequest(p)
	case eapSuccess:
		c.receiveSuccess(p)
	case eapFailure:
		c.receiveFailure(p)
	default:
		c.link.stats.WrongPhase++
	}
}

// receiveRequest answers; the same Request again gets the same Response.
func (c *eapClient) receiveRequest(p packet) {
	l := c.link
	if len(p.data) == 0 {
		l.stats.Malformed++
		return
	}
	if bytes.Equal(p.raw, c.request) {
		l.stats.Repeated++
		c.send()
		return
	}
	if c.done && !l.rechallenges.take(l.now) {
		l.stats.TooOften++
		return
	}
	if c.requests++; !c.done && c.requests > maxEAPRequests {
		l.fail(down(ClassPeer, "the server sends one EAP request after another and comes to no end"))
		return
	}
	switch typ, body := p.data[0], p.data[1:]; typ {
	case eapIdentity:
		c.answer(p, append([]byte{eapIdentity}, l.cfg.User...))
	case eapNotification:
		c.notice(body)
		c.answer(p, []byte{eapNotification})
	case eapMSCHAPv2:
		c.receiveMSCHAP(p, body)
	case eapNak:
		l.stats.Malformed++ // is an answer, never a Request
	default:
		c.refuse(p, typ)
	}
}

// answer sends the Response to a Request, and keeps both.
func (c *eapClient) answer(p packet, data []byte) {
	c.id, c.request, c.response = p.id, bytes.Clone(p.raw), data
	if !c.done {
		c.patient()
	}
	c.send()
}

func (c *eapClient) send() { c.link.transmit(ProtoEAP, eapResponse, c.id, c.response) }

// notice passes on what the server has to say during the login; later it may be anybody.
func (c *eapClient) notice(text []byte) {
	if c.notices++; c.notices <= maxNotices && len(text) > 0 && !c.done {
		c.link.out.pushEvent(Notice{Text: printable(text)})
	}
}

// refuse asks for MSCHAPv2 instead of another type (RFC 3748 section 5.3.1). Once a method has
// begun there is no other (section 2.1). MD5 is one of them: it gives no keys and does not prove
// that the server knows the password.
func (c *eapClient) refuse(p packet, typ byte) {
	if c.done || c.step != eapAsked {
		c.link.stats.WrongPhase++
		return
	}
	c.wants = eapTypeName(typ)
	c.link.refused = c.wants
	c.answer(p, []byte{eapNak, eapMSCHAPv2})
	if c.naks++; c.naks > maxEAPNaks {
		c.insists()
	}
}

// insists ends the link for a type that is not spoken here.
func (c *eapClient) insists() {
	c.link.fail(down(ClassPolicy, "the server insists on %s, which arc4 does not have: it has MS-CHAPv2, in CHAP and as EAP-MSCHAPv2 (type %d)", c.wants, eapMSCHAPv2))
}

// receiveMSCHAP takes a packet of EAP-MSCHAPv2. Its own identifier is not looked at: pppd counts it
// on for a Success, and that proves itself.
func (c *eapClient) receiveMSCHAP(p packet, body []byte) {
	l := c.link
	in, err := parsePacket(body)
	if err != nil {
		l.stats.Malformed++
		return
	}
	switch {
	case in.code == chapChallenge:
		c.receiveChallenge(p, in)
	case in.code != chapSuccess && in.code != chapFailure:
		l.stats.UnknownCode++
	case c.step == eapAsked || c.done && in.code == chapFailure:
		l.stats.WrongID++ // who was taken once is not judged again
	case in.code == chapSuccess:
		c.verify(p, in.data)
	default:
		c.answer(p, []byte{eapMSCHAPv2, chapFailure})
		l.refusedFor(EAPMSCHAPv2, in.data)
	}
}

func (c *eapClient) receiveChallenge(p, in packet) {
	value, _, ok := chapValue(in.data)
	if !ok || len(value) != mschap.ChallengeLen {
		c.link.stats.Malformed++
		return
	}
	if !c.login.respond(c.link, value) {
		return
	}
	c.link.refused = ""
	c.step = eapAnswered
	data := appendChapValue(nil, c.login.response.AppendTo(nil), c.link.cfg.User)
	c.answer(p, appendEAPMSCHAPv2(nil, chapResponse, in.id, data))
}

// verify takes a Success, which has to prove that the server knows the password.
func (c *eapClient) verify(p packet, message []byte) {
	l := c.link
	creds, unproven := c.login.verify(l, message)
	switch {
	case unproven != "" && c.done:
		l.stats.WrongID++
	case unproven != "":
		l.unproven(EAPMSCHAPv2, unproven)
	default:
		c.answer(p, []byte{eapMSCHAPv2, chapSuccess})
		if c.done {
			return
		}
		c.creds, c.step = creds, eapProven
		c.wait = l.now.Add(l.cfg.RestartTimer)
		if l.held.ccp != nil || l.held.ipcp != nil || l.held.ipv6cp != nil {
			c.succeed()
		}
	}
}

// receiveSuccess takes the end that anybody can send: it counts only behind the server's proof, and
// the link does without. It may be lost, for it is sent once, and pppd sends none. What follows
// shows it just as well (RFC 3748 section 4.2): see aheadOfAuth and expire.
func (c *eapClient) receiveSuccess(p packet) {
	if c.step != eapProven || c.done || !c.concluding(p) {
		if !c.done && c.step != eapProven {
			c.link.refused = "to let us in without a proof that it knows the password"
		}
		c.link.stats.WrongID++
		return
	}
	c.succeed()
}

// receiveFailure takes a refusal without a number of MS-CHAPv2's.
func (c *eapClient) receiveFailure(p packet) {
	l := c.link
	if c.done || c.request == nil || !c.concluding(p) {
		l.stats.WrongID++
		return
	}
	f := AuthFailed{User: l.cfg.User, Method: EAPMSCHAPv2}
	switch {
	case c.step == eapAnswered:
		f.Message = mschap.Describe(mschap.AuthenticationFailure)
	case c.step == eapProven:
		f.Message = "the server knows the password and does not let the account in"
	case c.wants != "":
		c.insists()
		return
	default:
		f.Message = "the server refuses the user without asking for the password"
	}
	l.authFailed(f)
}

// concluding reports whether a Success or Failure is the answer to our last Response: it has its
// identifier (RFC 3748 section 4.2), or one of the next two, as pppd counts.
func (c *eapClient) concluding(p packet) bool { return p.id-c.id <= 2 }

// succeed lets the link go on.
func (c *eapClient) succeed() {
	l := c.link
	c.done, c.wait = true, time.Time{}
	l.creds = c.creds
	c.creds.forget()
	l.authSucceeded(l.cfg.User, EAPMSCHAPv2)
}

// aheadOfAuth takes a packet of what follows the authentication for its end: whoever sends one is
// content with us.
func (l *Link) aheadOfAuth() {
	if c, ok := l.auth.(*eapClient); ok && c.step == eapProven && !c.done {
		c.succeed()
	}
}
