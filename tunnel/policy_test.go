package tunnel

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// Passwords that appear nowhere else, so that they can be looked for.
const (
	rightPassword = "Zt8-right-horse"
	wrongPassword = "Zt8-wrong-horse"
)

// logbook collects everything both ends log.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// keep sends the logs of both ends here, on the finest level.
func (l *logbook) keep(c *ClientConfig, s *ServerConfig, _ *wireOptions) {
	log := slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))
	c.Log, s.Log = log.With("end", "client"), log.With("end", "server")
}

// policyCase is what each end allows.
type policyCase struct {
	client, server         ppp.MPPEMode
	clientAuth, serverAuth []ppp.AuthMethod
	user, password         string
	stateful               [2]ppp.StatefulMode // client, server
	strengths              [2][]int
}

func (c policyCase) apply(cc *ClientConfig, sc *ServerConfig, _ *wireOptions) {
	cc.MPPE = ppp.MPPEPolicy{Mode: c.client, Stateful: c.stateful[0], Strengths: c.strengths[0]}
	sc.MPPE = ppp.MPPEPolicy{Mode: c.server, Stateful: c.stateful[1], Strengths: c.strengths[1]}
	cc.Auth, sc.Auth = c.clientAuth, c.serverAuth
	cc.User, cc.Password = "alice", rightPassword
	if c.user != "" {
		cc.User = c.user
	}
	if c.password != "" {
		cc.Password = c.password
	}
	sc.Lookup = func(user string) (Account, bool) {
		return Account{Account: ppp.Account{Password: rightPassword}}, user == "alice"
	}
	cc.restartTimer, sc.restartTimer = 200*time.Millisecond, 200*time.Millisecond
}

// early puts packets where the client's device will have them at its first read.
func early(w *world) {
	for i := range uint32(100) {
		w.clientDev.Put(marked(clientIP, serverIP, i, 0))
	}
}

func TestPoliciesThatAgree(t *testing.T) {
	chap, pap, eap := []ppp.AuthMethod{ppp.CHAPMD5}, []ppp.AuthMethod{ppp.PAP}, []ppp.AuthMethod{ppp.EAPMSCHAPv2}
	for _, c := range []struct {
		name string
		policyCase
		bits int
		auth string
	}{
		{"require-128 at both ends", policyCase{}, 128, "MS-CHAPv2"},
		{"require at both ends", policyCase{client: ppp.Require, server: ppp.Require}, 128, "MS-CHAPv2"},
		{"require and 40 bits", policyCase{client: ppp.Require, server: ppp.Require, strengths: [2][]int{nil, {40}}}, 40, "MS-CHAPv2"},
		{"off at both ends", policyCase{client: ppp.Off, server: ppp.Off}, 0, "MS-CHAPv2"},
		{"allow at both ends", policyCase{client: ppp.Allow, server: ppp.Allow}, 128, "MS-CHAPv2"},
		{"allow, and the server requires", policyCase{client: ppp.Allow, server: ppp.Require}, 128, "MS-CHAPv2"},
		{"allow, and the client requires", policyCase{client: ppp.Require, server: ppp.Allow}, 128, "MS-CHAPv2"},
		{"allow, and the client requires 128", policyCase{client: ppp.Require128, server: ppp.Allow}, 128, "MS-CHAPv2"},
		{"allow, and off at the server", policyCase{client: ppp.Allow, server: ppp.Off}, 0, "MS-CHAPv2"},
		{"allow, and off at the client", policyCase{client: ppp.Off, server: ppp.Allow}, 0, "MS-CHAPv2"},
		{"stateful allowed, and required by the server", policyCase{stateful: [2]ppp.StatefulMode{ppp.StatefulAllowed, ppp.StatefulRequired}}, 128, "MS-CHAPv2"},
		{"CHAP-MD5", policyCase{client: ppp.Off, server: ppp.Off, clientAuth: chap, serverAuth: chap}, 0, "CHAP-MD5"},
		{"PAP", policyCase{client: ppp.Off, server: ppp.Off, clientAuth: pap, serverAuth: pap}, 0, "PAP"},
		{"EAP", policyCase{clientAuth: eap, serverAuth: eap}, 128, "EAP-MSCHAPv2"},
		{"EAP that the server insists on", policyCase{serverAuth: eap}, 128, "EAP-MSCHAPv2"},
		{"EAP that the client insists on", policyCase{clientAuth: eap}, 128, "EAP-MSCHAPv2"},
		{"the second method", policyCase{client: ppp.Off, server: ppp.Off, clientAuth: pap, serverAuth: []ppp.AuthMethod{ppp.MSCHAPv2, ppp.PAP}}, 0, "PAP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			noLeaks(t)
			tap, book := newWireTap(), new(logbook)
			if c.bits > 0 {
				tap.secret = [][]byte{marker}
			}
			tap.secret = append(tap.secret, secretsOnWire(c.auth)...)
			w := newWorld(t, tap.use, book.keep, c.apply)
			early(w)
			endPump := w.pump()
			defer endPump()
			n := w.waitUp()
			assert.Equal(t, c.bits, n.Encrypted)
			s := w.server.Snapshot().Sessions[0]
			assert.Equal(t, c.bits, s.MPPE.Strength)
			assert.Equal(t, c.auth, s.Auth)
			// The pump is running still: what passes now is seen as well.
			for range 100 {
				w.expect(w.serverDev)
				w.expect(w.clientDev)
			}
			endPump()
			w.settle()
			w.exchange(50)
			w.stop()
			tap.requireNoFault(t)
			if c.bits > 0 {
				assert.Zero(t, tap.inClear())
				assert.Positive(t, tap.count(clientOuter, ppp.ProtoCompressed, 0))
				assert.Positive(t, tap.count(serverOuter, ppp.ProtoCompressed, 0))
			} else {
				assert.Positive(t, tap.count(clientOuter, ppp.ProtoIPv4, 0))
				assert.Positive(t, tap.count(serverOuter, ppp.ProtoIPv4, 0))
				assert.Zero(t, tap.count(clientOuter, ppp.ProtoCompressed, 0))
			}
			requireDiscreet(t, book)
		})
	}
}

// secretsOnWire is what a method must not show on the way. PAP shows all (RFC 1334 section 2).
func secretsOnWire(method string) [][]byte {
	if method == "PAP" {
		return nil
	}
	return [][]byte{[]byte(rightPassword), []byte(wrongPassword)}
}

// requireDiscreet demands that no password was logged, by ends that did log.
func requireDiscreet(t *testing.T, book *logbook) {
	t.Helper()
	text := book.String()
	require.Contains(t, text, "end=client")
	require.Contains(t, text, "end=server")
	require.NotContains(t, text, rightPassword)
	require.NotContains(t, text, wrongPassword)
}

func TestPoliciesThatDoNotAgree(t *testing.T) {
	ms, chap, pap := []ppp.AuthMethod{ppp.MSCHAPv2}, []ppp.AuthMethod{ppp.CHAPMD5}, []ppp.AuthMethod{ppp.PAP}
	eap := []ppp.AuthMethod{ppp.EAPMSCHAPv2}
	off := policyCase{client: ppp.Off, server: ppp.Off}
	methods := func(client, server []ppp.AuthMethod) policyCase {
		c := off
		c.clientAuth, c.serverAuth = client, server
		return c
	}
	for _, c := range []struct {
		name string
		policyCase
		class Class
		text  string
	}{
		{"the client requires encryption", policyCase{client: ppp.Require, server: ppp.Off}, ClassPolicy, "encryption"},
		{"the client requires 128 bits", policyCase{client: ppp.Require128, server: ppp.Off}, ClassPolicy, "encryption"},
		{"the server requires encryption", policyCase{client: ppp.Off, server: ppp.Require}, ClassPolicy, "encryption"},
		{"the server requires 128 bits", policyCase{client: ppp.Off, server: ppp.Require128}, ClassPolicy, "encryption"},
		{"no strength in common", policyCase{client: ppp.Require, server: ppp.Require, strengths: [2][]int{{128}, {40, 56}}}, ClassPolicy, "encryption"},
		{"stateful at the client alone", policyCase{stateful: [2]ppp.StatefulMode{ppp.StatefulRequired, ppp.StatefulNever}}, ClassPolicy, "encryption"},
		{"stateful at the server alone", policyCase{stateful: [2]ppp.StatefulMode{ppp.StatefulNever, ppp.StatefulRequired}}, ClassPolicy, "encryption"},
		{"the client has PAP alone", methods(pap, ms), ClassPolicy, "authentication"},
		{"the client has CHAP-MD5 alone", methods(chap, ms), ClassPolicy, "authentication"},
		{"the server has PAP alone", methods(ms, pap), ClassPolicy, "authentication"},
		{"the server has CHAP-MD5 alone", methods(ms, chap), ClassPolicy, "authentication"},
		{"the client has EAP alone", methods(eap, ms), ClassPolicy, "authentication"},
		{"the server has EAP alone", methods(ms, eap), ClassPolicy, "authentication"},
	} {
		t.Run(c.name, func(t *testing.T) {
			noLeaks(t)
			tap, book := newWireTap(), new(logbook)
			tap.secret = append(secretsOnWire(""), marker)
			w := newWorld(t, tap.use, book.keep, c.apply)
			early(w)
			defer w.pump()()
			err := w.waitClient()
			t.Log(err)
			assert.Equal(t, c.class, ClassOf(err), "%v", err)
			assert.ErrorContains(t, err, c.text)
			w.endRefused(tap, book, err)
		})
	}
}

// endRefused ends a world whose tunnel never came up, and demands that nothing of it is left and
// nothing was shown.
func (w *world) endRefused(tap *wireTap, book *logbook, err error) {
	w.t.Helper()
	w.eventually(func() bool { return len(w.server.Snapshot().Sessions) == 0 }, "the server's session is gone")
	assert.EqualValues(w.t, 1, w.server.Snapshot().Totals.Sessions)
	w.endServer()
	assert.Empty(w.t, w.up)
	assert.Empty(w.t, w.clientDev.Got)
	assert.Empty(w.t, w.serverDev.Got)
	assert.Zero(w.t, tap.inClear())
	assert.Zero(w.t, tap.count(clientOuter, ppp.ProtoCompressed, 0)+tap.count(serverOuter, ppp.ProtoCompressed, 0))
	tap.requireNoFault(w.t)
	assert.NotContains(w.t, err.Error(), rightPassword)
	assert.NotContains(w.t, err.Error(), wrongPassword)
	requireDiscreet(w.t, book)
}

// TestRefusedCredentials: a wrong password and an unknown user must look the same to who tries
// them.
func TestRefusedCredentials(t *testing.T) {
	for _, c := range []struct {
		method ppp.AuthMethod
		mode   ppp.MPPEMode
		words  string
	}{
		{ppp.MSCHAPv2, ppp.Require128, "authentication failed: 691: wrong user name or password"},
		{ppp.EAPMSCHAPv2, ppp.Require128, "authentication failed: 691: wrong user name or password"},
		{ppp.CHAPMD5, ppp.Off, "wrong user name or password"},
		{ppp.PAP, ppp.Off, "wrong user name or password"},
	} {
		var texts [2]string
		for i, who := range []struct{ name, user, password string }{
			{"wrong password", "alice", wrongPassword}, {"unknown user", "mallory", rightPassword},
		} {
			t.Run(fmt.Sprint(c.method, "/", who.name), func(t *testing.T) {
				noLeaks(t)
				tap, book := newWireTap(), new(logbook)
				tap.secret = append(secretsOnWire(c.method.String()), marker)
				methods := []ppp.AuthMethod{c.method}
				w := newWorld(t, tap.use, book.keep, policyCase{
					client: c.mode, server: c.mode, clientAuth: methods, serverAuth: methods, user: who.user, password: who.password,
				}.apply)
				early(w)
				defer w.pump()()
				err := w.waitClient()
				assert.Equal(t, ClassAuth, ClassOf(err), "%v", err)
				assert.ErrorContains(t, err, c.words)
				texts[i] = err.Error()
				w.endRefused(tap, book, err)
				assert.EqualValues(t, 1, w.server.Snapshot().Refused["authentication"])
			})
		}
		assert.Equal(t, texts[0], texts[1], "the server tells who knows no password which users there are")
	}
}

// TestRefusalIsFinal: another attempt with the same password could lock the account, so Reconnect
// makes none.
func TestRefusalIsFinal(t *testing.T) {
	noLeaks(t)
	w := newWorld(t, policyCase{password: wrongPassword}.apply, func(c *ClientConfig, _ *ServerConfig, _ *wireOptions) {
		c.Reconnect = true
	})
	require.Equal(t, ClassAuth, ClassOf(w.waitClient()))
	w.endServer()
}

// TestLocalEndFails: what the client's own end says is the reason, and it keeps its class.
func TestLocalEndFails(t *testing.T) {
	noLeaks(t)
	mine := failure(ClassPermission, nil, "no TUN device for you")
	w := newWorld(t, func(c *ClientConfig, _ *ServerConfig, _ *wireOptions) {
		c.Bring = func(context.Context, Network) (netdev.Device, error) { return nil, mine }
	})
	require.Equal(t, error(mine), w.waitClient())
	w.eventually(func() bool { return len(w.server.Snapshot().Sessions) == 0 }, "the server's session is gone")
	w.endServer()
}
