package ppp

import "time"

// authenticator is one side of one authentication protocol.
type authenticator interface {
	proto() uint16
	start()
	receive(p packet)
	expire()
	deadline() time.Time
}

// credentials are what MPPE's start keys are made of (RFC 3079 section 3). They
// come from the first authentication after LCP opened; a rechallenge changes
// nothing.
type credentials struct {
	valid        bool
	passwordHash [16]byte // the hash of the password's hash
	ntResponse   [24]byte
}

// forget overwrites them.
func (c *credentials) forget() { *c = credentials{} }

// authMethod is what LCP has agreed on, 0 if nothing.
func (l *Link) authMethod() AuthMethod {
	if l.cfg.Server {
		return l.lcp.ours.auth
	}
	return l.lcp.his.auth
}

// newAuthenticator makes the side that the link plays.
func (l *Link) newAuthenticator() authenticator {
	m := l.authMethod()
	switch {
	case m == PAP && l.cfg.Server:
		return &papServer{link: l}
	case m == PAP:
		return &papClient{link: l}
	case m == EAPMSCHAPv2 && l.cfg.Server:
		return &eapServer{link: l}
	case m == EAPMSCHAPv2:
		return &eapClient{link: l}
	case l.cfg.Server:
		return &chapServer{link: l, method: m}
	default:
		return &chapClient{link: l, method: m}
	}
}

// authSucceeded ends the authentication phase. It is called once for every time
// that LCP opens.
func (l *Link) authSucceeded(user string, m AuthMethod) {
	l.out.pushEvent(AuthSucceeded{User: user, Method: m})
	if l.cfg.Server && !l.assign(user) {
		return
	}
	l.phase = phaseNetwork
	l.startCompression()
}

// authFailed reports and ends the link.
func (l *Link) authFailed(f AuthFailed) {
	l.out.pushEvent(f)
	l.fail(f.reason())
}

// reason is why the link ends.
func (f AuthFailed) reason() *DownError {
	return &DownError{Class: ClassAuth, Message: "authentication failed: " + f.Message, Code: f.Code, Unproven: f.Unproven}
}

// wrongCredentials is what a peer is told who is not let in.
const wrongCredentials = "wrong user name or password"

// barred is why a user may not log in whatever the password, or empty.
func (l *Link) barred(user string) string {
	if l.cfg.Barred == nil {
		return ""
	}
	return l.cfg.Barred(user)
}

// turnAway ends the link of a user who may not log in at present. That is no refusal of the
// account, which a client takes for final: it is told why in the Terminate-Request.
func (l *Link) turnAway(name string, m AuthMethod, why string) {
	l.out.pushEvent(AuthFailed{User: name, Method: m, Message: why, Barred: true})
	l.fail(down(ClassAdmin, "%s", why))
}

// findAccount looks a user up as the peer calls itself, then without the domain.
func (l *Link) findAccount(name, plain string) (user string, a Account, ok bool) {
	if a, ok = l.cfg.Lookup(name); ok || plain == name {
		l.allowed = a.Allowed
		return name, a, ok
	}
	a, ok = l.cfg.Lookup(plain)
	l.allowed = a.Allowed
	return plain, a, ok
}
