package ppp

import (
	"time"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// eapStage is what a server waits for.
type eapStage int

const (
	eapIdentifying eapStage = iota // the client's name, which is not used: that in its Response counts
	eapChallenged                  // its Response
	eapAccepting                   // that it has seen our proof
	eapRefusing                    // that it has seen why it is refused
	eapOver                        // nothing: it is in
)

// eapServer asks a client for EAP-MSCHAPv2 (RFC 3748, draft-kamath-pppext-eap-mschapv2) and judges
// its first Response.
type eapServer struct {
	link      *Link
	stage     eapStage
	id        byte   // of the Request that waits for an answer
	request   []byte // its data
	challenge [16]byte
	chapID    byte // of the Challenge, its Response and the verdict: pppd remembers what it answered by it
	again     retransmitter
	user      string // let in, if the client is content with our proof
}

func (s *eapServer) proto() uint16       { return ProtoEAP }
func (s *eapServer) deadline() time.Time { return s.again.timer }

func (s *eapServer) start() {
	var id [1]byte
	if !s.link.random(id[:]) || !s.link.random(s.challenge[:]) {
		return
	}
	s.id = id[0]
	s.ask(eapIdentifying, []byte{eapIdentity})
}

// ask sends the next Request.
func (s *eapServer) ask(stage eapStage, data []byte) {
	s.stage, s.request = stage, data
	s.id++
	s.again.begin(s.link)
	s.send()
}

// send sends the Request, each time the same.
func (s *eapServer) send() { s.link.transmit(ProtoEAP, eapRequest, s.id, s.request) }

// askMSCHAP sends a packet of CHAP as the next Request.
func (s *eapServer) askMSCHAP(stage eapStage, code byte, data []byte) {
	s.ask(stage, appendEAPMSCHAPv2(nil, code, s.chapID, data))
}

func (s *eapServer) expire() {
	due, usedUp := s.again.due(s.link)
	switch {
	case due && s.stage == eapRefusing:
		s.leave()
	case usedUp:
		s.link.fail(down(ClassTimeout, "the client does not answer our %s requests", EAPMSCHAPv2))
	case due:
		s.again.sent(s.link)
		s.send()
	}
}

func (s *eapServer) receive(p packet) {
	l := s.link
	switch {
	case p.code != eapResponse:
		l.stats.WrongPhase++
		return
	case p.id != s.id:
		l.stats.WrongID++
		return
	case len(p.data) == 0:
		l.stats.Malformed++
		return
	}
	typ, body := p.data[0], p.data[1:]
	switch s.stage {
	case eapIdentifying:
		s.receiveIdentity(typ, body)
	case eapChallenged:
		s.receiveAnswer(typ, body)
	case eapAccepting:
		s.receiveAcceptance(typ, body)
	case eapRefusing:
		s.leave()
	default:
		l.stats.Repeated++ // our Success was lost
		s.conclude(eapSuccess)
	}
}

// receiveIdentity goes on to the challenge. Whoever the client says to be here, it is looked up by
// the name in its Response: this one is under no hash, and may be "anonymous".
func (s *eapServer) receiveIdentity(typ byte, body []byte) {
	if typ != eapIdentity || len(body) > maxNameLen {
		s.link.stats.Malformed++
		return
	}
	s.chapID = s.id + 1 // the identifier of the Request that carries it, as is usual
	s.askMSCHAP(eapChallenged, chapChallenge, appendChapValue(nil, s.challenge[:], s.link.cfg.Name))
}

// receiveAnswer takes the Response to our challenge, or a Nak of it.
func (s *eapServer) receiveAnswer(typ byte, body []byte) {
	l := s.link
	if typ == eapNak {
		s.nak(body)
		return
	}
	in, err := parsePacket(body)
	value, name, ok := chapValue(in.data)
	if typ != eapMSCHAPv2 || err != nil || in.code != chapResponse || !ok || len(name) > maxNameLen || len(value) != mschap.ResponseLen {
		l.stats.Malformed++
		return
	}
	if in.id != s.chapID {
		l.stats.WrongID++
		return
	}
	s.decide(value, string(name))
}

// nak ends the link of a client that does not speak EAP-MSCHAPv2 (RFC 3748 section 5.3.1).
func (s *eapServer) nak(types []byte) {
	wants := "another type of EAP, and names none"
	if len(types) > 0 && types[0] != 0 {
		wants = eapTypeName(types[0])
	}
	s.conclude(eapFailure)
	s.link.fail(down(ClassPolicy, "the client wants %s, and is offered %s alone", wants, eapTypeName(eapMSCHAPv2)))
}

// decide judges the Response. One challenge is good for one try.
func (s *eapServer) decide(value []byte, name string) {
	l := s.link
	user, right, success := l.judgeMSCHAP(s.challenge, value, name)
	if barred := l.barred(user); barred != "" {
		l.turnAway(name, EAPMSCHAPv2, barred)
		return
	}
	if right {
		s.user = user
		s.askMSCHAP(eapAccepting, chapSuccess, success)
		return
	}
	f := wrongPassword(name, EAPMSCHAPv2)
	l.out.pushEvent(f)
	// If the client leaves without an answer, this is still why.
	l.verdict = f.reason()
	s.askMSCHAP(eapRefusing, chapFailure, l.mschapFailure())
}

// receiveAcceptance lets a client in that is content with our proof.
func (s *eapServer) receiveAcceptance(typ byte, body []byte) {
	l := s.link
	switch {
	case typ != eapMSCHAPv2 || len(body) == 0:
		l.stats.Malformed++
	case body[0] == chapSuccess:
		s.again.end()
		s.stage = eapOver
		s.conclude(eapSuccess)
		l.authSucceeded(s.user, EAPMSCHAPv2)
	case body[0] == chapFailure:
		l.creds.forget()
		s.conclude(eapFailure)
		l.fail(down(ClassPeer, "the client does not believe that we know the password"))
	default:
		l.stats.Malformed++
	}
}

// leave ends the link of a client that is refused.
func (s *eapServer) leave() {
	s.conclude(eapFailure)
	s.link.fail(s.link.verdict)
}

// conclude sends EAP's own Success or Failure, under the identifier of the Response that it follows
// (RFC 3748 section 4.2).
func (s *eapServer) conclude(code byte) { s.link.transmit(ProtoEAP, code, s.id, nil) }
