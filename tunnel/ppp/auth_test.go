package ppp

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAuthPolicies(t *testing.T) {
	open := MPPEPolicy{Mode: Off}
	for name, c := range map[string]struct {
		client, server []AuthMethod
		method         AuthMethod // 0: the link goes down
	}{
		"the server's order":      {[]AuthMethod{PAP, CHAPMD5, MSCHAPv2}, []AuthMethod{MSCHAPv2, PAP}, MSCHAPv2},
		"the client's Nak counts": {[]AuthMethod{PAP}, []AuthMethod{MSCHAPv2, CHAPMD5, PAP}, PAP},
		"CHAP-MD5 after a Nak":    {[]AuthMethod{CHAPMD5}, []AuthMethod{MSCHAPv2, CHAPMD5}, CHAPMD5},
		"nothing in common":       {[]AuthMethod{MSCHAPv2}, []AuthMethod{PAP, CHAPMD5}, 0},
		"nothing, the other way":  {[]AuthMethod{PAP}, []AuthMethod{MSCHAPv2}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			cc, sc := clientConfig(), serverConfig()
			cc.Auth, sc.Auth, cc.MPPE, sc.MPPE = c.client, c.server, open, open
			p := newPair(t, cc, sc)
			p.open()
			p.run(60 * time.Second)
			if c.method == 0 {
				assert.Contains(t, []Class{p.client.reason().Class, p.server.reason().Class}, ClassPolicy)
				assert.Empty(t, eventsOf[AuthSucceeded](p.server))
				return
			}
			p.requireUp(false)
			assert.Equal(t, c.method, only[AuthSucceeded](p.client).Method)
			assert.Equal(t, AuthSucceeded{User: testUser, Method: c.method}, only[AuthSucceeded](p.server))
		})
	}
}

func TestWrongPasswordAndUnknownUser(t *testing.T) {
	for _, method := range []AuthMethod{MSCHAPv2, EAPMSCHAPv2, CHAPMD5, PAP} {
		for name, change := range map[string]func(*Config){
			"wrong password": func(c *Config) { c.Password = "not-" + testPassword },
			"empty password": func(c *Config) { c.Password = "" },
			"unknown user":   func(c *Config) { c.User = "nobody" },
		} {
			t.Run(method.String()+"/"+name, func(t *testing.T) {
				cc, sc := clientConfig(), serverConfig()
				change(&cc)
				cc.Auth, sc.Auth = []AuthMethod{method}, []AuthMethod{method}
				cc.MPPE.Mode, sc.MPPE.Mode = Off, Off
				p := newPair(t, cc, sc)
				p.open()
				p.run(20 * time.Second)
				for _, e := range []*end{p.client, p.server} {
					assert.Equal(t, ClassAuth, e.reason().Class)
					assert.Contains(t, e.reason().Error(), "wrong user name or password")
					assert.Equal(t, cc.User, only[AuthFailed](e).User)
					assert.Empty(t, eventsOf[NetworkUp](e))
					assert.NotContains(t, fmt.Sprintf("%#v %v", e.events, e.reason()), testPassword)
				}
				if method == MSCHAPv2 {
					assert.Equal(t, 691, p.client.reason().Code)
					assert.Contains(t, p.client.reason().Message, "authentication failed: 691: wrong user name or password")
				}
			})
		}
	}
}

// TestFailureThatAllowsAnotherTryIsTheEnd: there is nobody to type another password.
func TestFailureThatAllowsAnotherTryIsTheEnd(t *testing.T) {
	s := newScript(t, clientConfig())
	s.openLCP(appendOption(nil, lcpOptAuth, MSCHAPv2.option()))
	s.in(ProtoCHAP, chapChallenge, 5, appendChapValue(nil, make([]byte, 16), "x"))
	s.expect(ProtoCHAP, chapResponse)
	s.in(ProtoCHAP, chapFailure, 5, []byte("E=691 R=1 C=000102030405060708090A0B0C0D0E0F V=3 M=again"))
	s.expect(ProtoLCP, codeTerminateRequest)
	assert.Equal(t, "authentication failed: 691: wrong user name or password (the server says: again)", only[Closing](s.end).Reason.Message)
}

func TestNTHashInsteadOfPassword(t *testing.T) {
	for _, method := range []AuthMethod{MSCHAPv2, PAP, CHAPMD5} {
		t.Run(method.String(), func(t *testing.T) {
			cc, sc := clientConfig(), serverConfig()
			hash := Account{Password: testPassword}.ntHash()
			sc.Lookup = func(string) (Account, bool) { return Account{NTHash: &hash}, true }
			cc.Auth, sc.Auth = []AuthMethod{method}, []AuthMethod{method}
			cc.MPPE.Mode, sc.MPPE.Mode = Allow, Allow
			p := newPair(t, cc, sc)
			p.open()
			p.run(20 * time.Second)
			if method == CHAPMD5 {
				assert.Equal(t, ClassAuth, p.client.reason().Class, "a hash cannot answer CHAP-MD5")
				return
			}
			p.requireUp(method == MSCHAPv2)
		})
	}
}

func TestDomainUser(t *testing.T) {
	cc := clientConfig()
	cc.User = `CORP\` + testUser
	p := newPair(t, cc, serverConfig())
	p.open()
	p.run(10 * time.Second)
	p.requireUp(true)
	assert.Equal(t, testUser, only[AuthSucceeded](p.server).User)
}

// TestBarredUser: a user who may not log in at present is told so, and neither accepted nor
// refused, whatever the password; others are not concerned.
func TestBarredUser(t *testing.T) {
	for _, method := range []AuthMethod{MSCHAPv2, CHAPMD5, PAP} {
		for _, password := range []string{testPassword, "not-" + testPassword} {
			t.Run(fmt.Sprint(method, " ", password == testPassword), func(t *testing.T) {
				cc, sc := clientConfig(), serverConfig()
				cc.Password = password
				cc.Auth, sc.Auth = []AuthMethod{method}, []AuthMethod{method}
				cc.MPPE.Mode, sc.MPPE.Mode = Off, Off
				sc.Barred = func(user string) string { return map[string]string{testUser: "come back later"}[user] }
				p := newPair(t, cc, sc)
				p.open()
				p.run(20 * time.Second)
				assert.Equal(t, AuthFailed{User: testUser, Method: method, Message: "come back later", Barred: true}, only[AuthFailed](p.server))
				assert.Equal(t, ClassAdmin, p.server.reason().Class)
				assert.Equal(t, ClassPeer, p.client.reason().Class, "so that a client may try again")
				assert.Contains(t, p.client.reason().Message, "come back later")
				assert.Empty(t, eventsOf[AuthFailed](p.client))
				assert.Empty(t, eventsOf[AuthSucceeded](p.client))
				assert.Empty(t, eventsOf[AuthSucceeded](p.server))
			})
		}
	}
	cc, sc := clientConfig(), serverConfig()
	sc.Barred = func(user string) string { return map[string]string{"another": "come back later"}[user] }
	p := newPair(t, cc, sc)
	p.open()
	p.run(20 * time.Second)
	p.requireUp(true)
}
