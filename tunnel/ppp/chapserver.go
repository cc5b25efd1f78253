package ppp

import (
	"crypto/md5"
	"crypto/subtle"
	"time"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// chapServer challenges the client once and judges its first Response.
type chapServer struct {
	link      *Link
	method    AuthMethod
	id        byte
	challenge [16]byte
	again     retransmitter
	verdict   byte // code of the answer given, 0: none yet
	message   []byte
}

func (s *chapServer) proto() uint16       { return ProtoCHAP }
func (s *chapServer) deadline() time.Time { return s.again.timer }

func (s *chapServer) start() {
	var id [1]byte
	if !s.link.random(id[:]) || !s.link.random(s.challenge[:]) {
		return
	}
	s.id = id[0]
	s.again.begin(s.link)
	s.send()
}

// send sends the Challenge, each time the same.
func (s *chapServer) send() {
	s.link.transmit(ProtoCHAP, chapChallenge, s.id, appendChapValue(nil, s.challenge[:], s.link.cfg.Name))
}

func (s *chapServer) expire() {
	due, usedUp := s.again.due(s.link)
	switch {
	case usedUp:
		s.link.fail(down(ClassTimeout, "the client does not answer our %s challenge", s.method))
	case due:
		s.again.sent(s.link)
		s.send()
	}
}

func (s *chapServer) receive(p packet) {
	l := s.link
	if p.code != chapResponse {
		l.stats.WrongPhase++
		return
	}
	if p.id != s.id {
		l.stats.WrongID++
		return
	}
	if s.verdict != 0 {
		// Our answer was lost. Whatever this Response says, it is not judged:
		// one challenge is good for one try (RFC 1994 section 4.2).
		l.stats.Repeated++
		l.transmit(ProtoCHAP, s.verdict, s.id, s.message)
		return
	}
	value, name, ok := chapValue(p.data)
	if !ok || len(name) > maxNameLen || len(value) != s.responseLen() {
		l.stats.Malformed++
		return
	}
	s.again.end()
	s.judge(value, string(name))
}

// responseLen is the length of the method's value.
func (s *chapServer) responseLen() int {
	if s.method == MSCHAPv2 {
		return mschap.ResponseLen
	}
	return md5.Size
}

// judge compares the Response with what the account's password gives.
func (s *chapServer) judge(value []byte, name string) {
	l := s.link
	if s.method == MSCHAPv2 {
		user, right, success := l.judgeMSCHAP(s.challenge, value, name)
		s.decide(right, user, name, success)
		return
	}
	user, account, known := l.findAccount(name, mschap.UserName(name))
	want := chapMD5(s.id, account.Password, s.challenge[:])
	right := subtle.ConstantTimeCompare(want[:], value) == 1 && account.NTHash == nil
	s.decide(known && right, user, name, []byte("welcome"))
}

// decide sends the answer and tells the link.
func (s *chapServer) decide(right bool, user, name string, success []byte) {
	l := s.link
	if barred := l.barred(user); barred != "" {
		l.turnAway(name, s.method, barred)
		return
	}
	if right {
		s.verdict, s.message = chapSuccess, success
		l.transmit(ProtoCHAP, s.verdict, s.id, s.message)
		l.authSucceeded(user, s.method)
		return
	}
	s.verdict, s.message = chapFailure, s.failure()
	l.transmit(ProtoCHAP, s.verdict, s.id, s.message)
	l.authFailed(wrongPassword(name, s.method))
}

func (s *chapServer) failure() []byte {
	if s.method == CHAPMD5 {
		return []byte(wrongCredentials)
	}
	return s.link.mschapFailure()
}

// ntHash is the stored hash, or the one of the stored password.
func (a Account) ntHash() [16]byte {
	if a.NTHash != nil {
		return *a.NTHash
	}
	return mschap.NTPasswordHash(a.Password)
}
