package ppp

import (
	"crypto/subtle"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// What MS-CHAPv2 does is the same in CHAP and in EAP. The keys of MPPE are, too: Windows makes the
// MSK of EAP-MSCHAPv2 out of the start keys of RFC 3079 section 3.3 ([MS-CHAP] section 3.1.5.1),
// and pppd runs one function for both (SetMasterKeys of its chap_ms.c, called by ChapMS2).

// mschapLogin is what a client keeps of the challenge that it has answered last.
type mschapLogin struct {
	challenge [16]byte
	response  mschap.Response
	hash      [16]byte // of the password
}

// respond makes the Response to a new challenge, false where there are no random numbers.
func (m *mschapLogin) respond(l *Link, challenge []byte) bool {
	var r mschap.Response
	if !l.random(r.PeerChallenge[:]) {
		return false
	}
	m.challenge = [16]byte(challenge)
	m.hash = mschap.NTPasswordHash(l.cfg.Password)
	r.NTResponse = mschap.NTResponse(m.challenge, r.PeerChallenge, l.cfg.User, m.hash)
	m.response = r
	return true
}

// verify checks that the server knows the password too; a server that cannot prove it is left (RFC
// 2759 section 5). unproven says why it has not, or is empty.
func (m *mschapLogin) verify(l *Link, message []byte) (creds credentials, unproven string) {
	hashHash := mschap.HashNTPasswordHash(m.hash)
	want := mschap.AuthenticatorResponse(hashHash, m.response.NTResponse, m.response.PeerChallenge, m.challenge, l.cfg.User)
	s, err := mschap.ParseSuccess(message)
	switch {
	case err != nil:
		return creds, "the server does not prove that it knows the password: its authenticator response is missing or malformed"
	case subtle.ConstantTimeCompare(want[:], s.AuthenticatorResponse[:]) != 1:
		return creds, "the server does not prove that it knows the password: its authenticator response is wrong"
	}
	return credentials{valid: true, passwordHash: hashHash, ntResponse: m.response.NTResponse}, ""
}

// unproven ends the link of a client whose server does not know the password.
func (l *Link) unproven(m AuthMethod, why string) {
	l.authFailed(AuthFailed{User: l.cfg.User, Method: m, Message: why, Unproven: true})
}

// refusedFor ends the link of a client for a Failure of MS-CHAPv2. It is the end even where the
// server would take another password (R=1) or a new one (E=648, RFC 2759 sections 6 and 7): nobody
// is there to type one.
func (l *Link) refusedFor(m AuthMethod, message []byte) {
	failure := mschap.ParseFailure(message)
	l.authFailed(AuthFailed{User: l.cfg.User, Method: m, Code: failure.Code, Message: failureText(failure)})
}

// judgeMSCHAP compares a Response to a server's challenge with what the account's password gives,
// and keeps what MPPE's keys are made of. success is the message for who is right. A user who does
// not exist costs the same work as one with a wrong password.
func (l *Link) judgeMSCHAP(challenge [16]byte, value []byte, name string) (user string, right bool, success []byte) {
	user, account, known := l.findAccount(name, mschap.UserName(name))
	hash := account.ntHash()
	response, err := mschap.ParseResponse(value)
	want := mschap.NTResponse(challenge, response.PeerChallenge, name, hash)
	hashHash := mschap.HashNTPasswordHash(hash)
	proof := mschap.AuthenticatorResponse(hashHash, want, response.PeerChallenge, challenge, name)
	right = subtle.ConstantTimeCompare(want[:], response.NTResponse[:]) == 1 && err == nil && known
	if right && l.barred(user) == "" {
		l.creds = credentials{valid: true, passwordHash: hashHash, ntResponse: want}
	}
	return user, right, mschap.Success{AuthenticatorResponse: proof, Message: "welcome"}.AppendTo(nil)
}

// mschapFailure is the message of a Failure. RFC 2759 section 6 wants a challenge in it even where
// a retry is not allowed.
func (l *Link) mschapFailure() []byte {
	f := mschap.Failure{Code: mschap.AuthenticationFailure, Version: 3, Message: wrongCredentials}
	if !l.random(f.Challenge[:]) {
		f.Challenge = [16]byte{}
	}
	return f.AppendTo(nil)
}

// wrongPassword is what the owner of a server is told of a wrong name or password.
func wrongPassword(name string, m AuthMethod) AuthFailed {
	f := AuthFailed{User: name, Method: m, Message: mschap.Describe(mschap.AuthenticationFailure)}
	if m.GivesKeys() {
		f.Code = mschap.AuthenticationFailure
	}
	return f
}
