package ppp

import (
	"bytes"
	"fmt"
	"time"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// chapClient answers challenges, of plain CHAP and of MS-CHAPv2, at any time
// after LCP has opened.
type chapClient struct {
	link    *Link
	method  AuthMethod
	done    bool // taken once since LCP opened
	pending bool // our Response has no answer yet
	again   retransmitter
	wait    time.Time // for the first Challenge

	id        byte   // of the Challenge answered last
	challenge []byte // its value
	value     []byte // of our Response
	login     mschapLogin
}

func (c *chapClient) proto() uint16 { return ProtoCHAP }

func (c *chapClient) deadline() time.Time {
	if !c.wait.IsZero() {
		return c.wait
	}
	return c.again.timer
}

func (c *chapClient) start() {
	cfg := &c.link.cfg
	c.wait = c.link.now.Add(cfg.RestartTimer * maxConfigure)
}

func (c *chapClient) expire() {
	if !c.wait.IsZero() && !c.link.now.Before(c.wait) {
		c.wait = time.Time{}
		c.link.fail(down(ClassTimeout, "the server asked for %s authentication and sends no challenge", c.method))
		return
	}
	due, usedUp := c.again.due(c.link)
	switch {
	case usedUp:
		c.link.fail(down(ClassTimeout, "the server does not answer our %s response", c.method))
	case due:
		c.again.sent(c.link)
		c.send()
	}
}

func (c *chapClient) receive(p packet) {
	switch p.code {
	case chapChallenge:
		c.receiveChallenge(p)
	case chapSuccess, chapFailure:
		// Who was taken once is not judged again: the server ends the link if it
		// does not like a later Response, and anybody can forge a Failure.
		if !c.pending || p.id != c.id || c.done {
			c.link.stats.WrongID++
			return
		}
		c.receiveVerdict(p)
	default:
		c.link.stats.WrongPhase++
	}
}

// receiveChallenge answers. The same Challenge again gets the same Response, for
// the server may have made its keys from the first one.
func (c *chapClient) receiveChallenge(p packet) {
	l := c.link
	value, _, ok := chapValue(p.data)
	if !ok || c.method == MSCHAPv2 && len(value) != mschap.ChallengeLen {
		l.stats.Malformed++
		return
	}
	c.wait = time.Time{}
	if c.value != nil && p.id == c.id && bytes.Equal(value, c.challenge) {
		l.stats.Repeated++
		c.send()
		return
	}
	if c.done && !l.rechallenges.take(l.now) {
		l.stats.TooOften++
		return
	}
	c.respond(p.id, value)
}

// respond makes and sends a Response to a new challenge.
func (c *chapClient) respond(id byte, challenge []byte) {
	l := c.link
	c.id, c.challenge = id, bytes.Clone(challenge)
	if c.method == CHAPMD5 {
		sum := chapMD5(id, c.link.cfg.Password, challenge)
		c.value = sum[:]
	} else {
		if !c.login.respond(l, challenge) {
			return
		}
		c.value = c.login.response.AppendTo(nil)
	}
	if !c.done { // else the server asks again if this is lost
		c.pending = true
		c.again.begin(l)
	}
	c.send()
}

// send sends the last Response.
func (c *chapClient) send() {
	c.link.transmit(ProtoCHAP, chapResponse, c.id, appendChapValue(nil, c.value, c.link.cfg.User))
}

// receiveVerdict takes the Success or Failure of the pending Response.
func (c *chapClient) receiveVerdict(p packet) {
	c.pending = false
	c.again.end()
	switch {
	case p.code == chapFailure:
		c.refused(p)
	case c.method == MSCHAPv2:
		c.verify(p.data)
	default:
		c.succeed()
	}
}

// verify takes a Success, which has to prove that the server knows the password.
func (c *chapClient) verify(message []byte) {
	l := c.link
	creds, unproven := c.login.verify(l, message)
	if unproven != "" {
		l.unproven(c.method, unproven)
		return
	}
	if !c.done {
		l.creds = creds
	}
	c.succeed()
}

// succeed lets the link go on, the first time.
func (c *chapClient) succeed() {
	if c.done {
		return
	}
	c.done = true
	c.link.authSucceeded(c.link.cfg.User, c.method)
}

// refused explains a Failure.
func (c *chapClient) refused(p packet) {
	l := c.link
	if c.method == MSCHAPv2 {
		l.refusedFor(c.method, p.data)
		return
	}
	f := AuthFailed{User: l.cfg.User, Method: c.method, Message: mschap.Describe(mschap.AuthenticationFailure)}
	if len(p.data) > 0 {
		f.Message += " (the server says: " + printable(p.data) + ")"
	}
	l.authFailed(f)
}

// failureText puts a Failure into words, and adds the server's where they say something else.
func failureText(f mschap.Failure) string {
	meaning := mschap.Describe(f.Code)
	text := meaning
	if f.Code != 0 {
		text = fmt.Sprintf("%d: %s", f.Code, meaning)
	}
	if f.Message != "" && f.Message != meaning {
		text += " (the server says: " + printable([]byte(f.Message)) + ")"
	}
	return text
}
