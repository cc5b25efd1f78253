package ppp

import (
	"bytes"
	"crypto/subtle"
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
	response  mschap.Response
	hash      [16]byte // of the password used for it
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
		var r mschap.Response
		if !l.random(r.PeerChallenge[:]) {
			return
		}
		c.hash = mschap.NTPasswordHash(c.link.cfg.Password)
		r.NTResponse = mschap.NTResponse([16]byte(challenge), r.PeerChallenge, l.cfg.User, c.hash)
		c.response, c.value = r, r.AppendTo(nil)
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

// verify checks that the server knows the password too; a server that cannot
// prove it is left (RFC 2759 section 5).
func (c *chapClient) verify(message []byte) {
	l := c.link
	hashHash := mschap.HashNTPasswordHash(c.hash)
	want := mschap.AuthenticatorResponse(hashHash, c.response.NTResponse, c.response.PeerChallenge, [16]byte(c.challenge), l.cfg.User)
	s, err := mschap.ParseSuccess(message)
	if err != nil || subtle.ConstantTimeCompare(want[:], s.AuthenticatorResponse[:]) != 1 {
		text := "the server does not prove that it knows the password: its authenticator response is wrong"
		if err != nil {
			text = "the server does not prove that it knows the password: its authenticator response is missing or malformed"
		}
		l.authFailed(AuthFailed{User: l.cfg.User, Method: c.method, Message: text, Unproven: true})
		return
	}
	if !c.done {
		l.creds = credentials{valid: true, passwordHash: hashHash, ntResponse: c.response.NTResponse}
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

// refused explains a Failure. It is the end even where the server would take another password (R=1,
// RFC 2759 section 6): nobody is there to type one.
func (c *chapClient) refused(p packet) {
	l := c.link
	f := AuthFailed{User: l.cfg.User, Method: c.method}
	if c.method != MSCHAPv2 {
		f.Message = mschap.Describe(mschap.AuthenticationFailure)
		if len(p.data) > 0 {
			f.Message += " (the server says: " + printable(p.data) + ")"
		}
		l.authFailed(f)
		return
	}
	failure := mschap.ParseFailure(p.data)
	f.Code = failure.Code
	f.Message = failureText(failure)
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
