package ppp

import (
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// PAP codes (RFC 1334 section 2.2).
const (
	papRequest = 1
	papAck     = 2
	papNak     = 3
)

// papClient sends name and password until the server answers.
type papClient struct {
	link  *Link
	id    byte
	done  bool
	again retransmitter
}

func (c *papClient) proto() uint16       { return ProtoPAP }
func (c *papClient) deadline() time.Time { return c.again.timer }

func (c *papClient) start() {
	c.id++
	c.again.begin(c.link)
	c.send()
}

// send sends the Authenticate-Request.
func (c *papClient) send() {
	cfg := &c.link.cfg
	data := append([]byte{byte(len(cfg.User))}, cfg.User...)
	data = append(append(data, byte(len(cfg.Password))), cfg.Password...)
	c.link.transmit(ProtoPAP, papRequest, c.id, data)
}

func (c *papClient) expire() {
	due, usedUp := c.again.due(c.link)
	switch {
	case usedUp:
		c.link.fail(down(ClassTimeout, "the server does not answer the PAP authentication request"))
	case due:
		c.again.sent(c.link)
		c.send()
	}
}

func (c *papClient) receive(p packet) {
	l := c.link
	if p.code != papAck && p.code != papNak {
		l.stats.WrongPhase++
		return
	}
	if p.id != c.id || c.done {
		l.stats.WrongID++
		return
	}
	text, ok := papMessage(p.data)
	if !ok {
		// The message is for people; the code is what counts.
		l.stats.Malformed++
	}
	c.done = true
	c.again.end()
	if p.code == papAck {
		l.authSucceeded(l.cfg.User, PAP)
		return
	}
	message := mschap.Describe(mschap.AuthenticationFailure)
	if len(text) > 0 {
		message += " (the server says: " + printable(text) + ")"
	}
	l.authFailed(AuthFailed{User: l.cfg.User, Method: PAP, Message: message})
}

// papMessage reads the counted text of an answer; an empty one may be left out.
func papMessage(data []byte) (text []byte, ok bool) {
	if len(data) == 0 {
		return nil, true
	}
	n := int(data[0])
	if n > len(data)-1 {
		return nil, false
	}
	return data[1 : 1+n], true
}

// papServer waits for name and password and judges them once.
type papServer struct {
	link   *Link
	wait   time.Time
	answer byte // code of the answer given, 0: none yet
	text   string
}

func (s *papServer) proto() uint16       { return ProtoPAP }
func (s *papServer) deadline() time.Time { return s.wait }

func (s *papServer) start() {
	cfg := &s.link.cfg
	s.wait = s.link.now.Add(cfg.RestartTimer * maxConfigure)
}

func (s *papServer) expire() {
	if !s.wait.IsZero() && !s.link.now.Before(s.wait) {
		s.wait = time.Time{}
		s.link.fail(down(ClassTimeout, "the client sends no PAP authentication request"))
	}
}

func (s *papServer) receive(p packet) {
	l := s.link
	if p.code != papRequest {
		l.stats.WrongPhase++
		return
	}
	name, password, ok := papCredentials(p.data)
	if !ok {
		l.stats.Malformed++
		return
	}
	if s.answer != 0 {
		// Our answer was lost; a second try at the password it is not.
		l.stats.Repeated++
		s.send(p.id)
		return
	}
	s.wait = time.Time{}
	user, account, known := l.findAccount(name, mschap.UserName(name))
	if barred := l.barred(user); barred != "" {
		l.turnAway(name, PAP, barred)
		return
	}
	if right := account.passwordIs(password); !known || !right {
		s.answer, s.text = papNak, wrongCredentials
		s.send(p.id)
		l.authFailed(AuthFailed{User: name, Method: PAP, Message: mschap.Describe(mschap.AuthenticationFailure)})
		return
	}
	s.answer, s.text = papAck, "welcome"
	s.send(p.id)
	l.authSucceeded(user, PAP)
}

// send answers a request.
func (s *papServer) send(id byte) {
	s.link.transmit(ProtoPAP, s.answer, id, append([]byte{byte(len(s.text))}, s.text...))
}

// papCredentials reads the two counted strings of a request.
func papCredentials(data []byte) (name, password string, ok bool) {
	var fields [2][]byte
	for i := range fields {
		if len(data) == 0 || int(data[0]) > len(data)-1 {
			return "", "", false
		}
		n := int(data[0])
		fields[i], data = data[1:1+n], data[1+n:]
	}
	return string(fields[0]), string(fields[1]), true
}

// passwordIs compares in a time that tells nothing, also for a user who does not
// exist and whose account is therefore empty.
func (a Account) passwordIs(password string) bool {
	hash := mschap.NTPasswordHash(password)
	given, stored := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(a.Password))
	if a.NTHash != nil {
		return subtle.ConstantTimeCompare(hash[:], a.NTHash[:]) == 1
	}
	return subtle.ConstantTimeCompare(given[:], stored[:]) == 1
}
