package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestE2ERefused holds a client that the server will not have to its exit code and its words, with
// no device made at any time.
func TestE2ERefused(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	before := l.client.snapshot(t)
	links := l.client.watchLinks(t)
	server := l.serve(t)
	serving := l.server.snapshot(t)
	for _, c := range []struct {
		name     string
		password string
		args     []string
		code     int
		words    []string
	}{
		{"wrong password", "looking-glass", nil, exit.Auth, []string{"691", "password"}},
		{"unknown user", "wonderland", []string{"--user", "hatter"}, exit.Auth, []string{"691"}},
		{"no encryption here", "wonderland", []string{"--mppe", "off"}, exit.Policy, []string{"encrypt"}},
		{"pap alone", "wonderland", []string{"--mppe", "off", "--auth", "pap"}, exit.Policy, []string{"MS-CHAPv2", "PAP"}},
		{"stateful alone", "wonderland", []string{"--mppe-stateful", "require"}, exit.Policy, []string{"stateful"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := l.connectTo(t, serverOuter, c.password, c.args...)
			last := client.fails(t, c.code)
			for _, w := range c.words {
				assert.Contains(t, last, w)
			}
			assert.NotContains(t, client.stderr.String(), c.password)
			assert.Equal(t, before, l.client.snapshot(t))
			l.server.noSessions(t)
			assert.Equal(t, serving, l.server.snapshot(t))
		})
	}
	assert.NotContains(t, server.stderr.String(), "wonderland")
	assert.NotContains(t, server.stderr.String(), "looking-glass")
	assert.Contains(t, server.stderr.String(), `user=hatter`)
	assert.Empty(t, links(), "devices came and went")
}

// watchLinks tells what interfaces of the machine have appeared since it was called, gone or not.
func (m *machine) watchLinks(t *testing.T) (seen func() []string) {
	t.Helper()
	updates := make(chan netlink.LinkUpdate, 1024)
	done := make(chan struct{})
	m.Must(t, func() error { return netlink.LinkSubscribe(updates, done) })
	t.Cleanup(func() { close(done) })
	return func() (names []string) {
		// The watch has seen all before this one, which the test makes itself.
		m.Must(t, func() error {
			attrs := netlink.NewLinkAttrs()
			attrs.Name = "last"
			return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "last2"})
		})
		for u := range updates {
			switch name := u.Attrs().Name; name {
			case "last", "last2":
				return names
			case "lo", "wire":
			default:
				names = append(names, name)
			}
		}
		return names
	}
}

// TestE2EStricterClient wants encryption from a server that has none.
func TestE2EStricterClient(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	before := l.client.snapshot(t)
	l.serve(t, "--mppe", "off")
	last := l.connect(t).fails(t, exit.Policy)
	assert.Contains(t, last, "encrypt")
	assert.Equal(t, before, l.client.snapshot(t))

	l2 := newTestbed(t)
	l2.serve(t, "--mppe", "off", "--auth", "pap")
	client := l2.connect(t)
	assert.Contains(t, client.fails(t, exit.Policy), "PAP")
}

// TestE2EUnreachable has no server at the end of the line, or no line.
func TestE2EUnreachable(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.client.Must(t, func() error {
		return netlink.RouteAdd(&netlink.Route{Dst: prefix("198.18.0.0/24"), Type: unix.RTN_UNREACHABLE})
	})
	before := l.client.snapshot(t)
	for to, words := range map[string]string{
		"198.18.0.1":        "198.18.0.1:1723",
		serverOuter:         "refuses TCP connections",
		serverOuter + ":99": serverOuter + ":99",
	} {
		assert.Contains(t, l.connectTo(t, to, "wonderland").fails(t, exit.Network), words)
	}
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2EWithoutPermission runs both ends as a user without capabilities.
func TestE2EWithoutPermission(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t)
	clientBefore, serverBefore := l.client.snapshot(t), l.server.snapshot(t)

	connect := nobody(t, "connect", serverOuter, "--user", "alice", "--status-socket", "none")
	connect.Env = append(connect.Env, "ARC4_PASSWORD=wonderland")
	assert.Regexp(t, "CAP_NET_RAW|CAP_NET_ADMIN", l.client.run(t, connect).fails(t, exit.Permission))
	assert.Equal(t, clientBefore, l.client.snapshot(t))
	l.server.noSessions(t)

	secrets := filepath.Join(filepath.Dir(connect.Path), "chap-secrets")
	require.NoError(t, os.WriteFile(secrets, []byte(twoUsers), 0o600))
	require.NoError(t, os.Chown(secrets, 65534, 65534))
	serve := nobody(t, serveArgs(secrets, "--listen", serverInner+":2723", "--status-socket", "none")...)
	assert.Regexp(t, "CAP_NET_RAW|CAP_NET_ADMIN", l.server.run(t, serve).fails(t, exit.Permission))

	// A file of somebody else's.
	closed := nobody(t, serveArgs(secretsFile(t, twoUsers), "--status-socket", "none")...)
	assert.Contains(t, l.server.run(t, closed).fails(t, exit.Permission), "chap-secrets")
	assert.Equal(t, serverBefore, l.server.snapshot(t))
}

// TestE2ENameTaken asks for a device that is somebody else's.
func TestE2ENameTaken(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t)
	clientBefore, serverBefore := l.client.snapshot(t), l.server.snapshot(t)
	for _, name := range []string{"wire", "lo"} {
		last := l.connect(t, "--tun", name).fails(t, exit.Failure)
		assert.Contains(t, last, `"`+name+`"`)
		assert.Contains(t, last, "taken")
		assert.Equal(t, clientBefore, l.client.snapshot(t))
	}
	l.server.noSessions(t)
	// The server's own device, which is in use.
	last := l.server.start(t, serveArgs(secretsFile(t, twoUsers), "--listen", serverInner, "--tun", "arc40")...).fails(t, exit.Failure)
	assert.Contains(t, last, `"arc40" is in use`)
	assert.Equal(t, serverBefore, l.server.snapshot(t))
}

// TestE2EListen cannot have the address it is to answer on.
func TestE2EListen(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	before := l.server.snapshot(t)
	secrets := secretsFile(t, twoUsers)
	var taken net.Listener
	l.server.Must(t, func() (err error) {
		taken, err = net.Listen("tcp4", serverOuter+":1723")
		return err
	})
	defer taken.Close()
	for listen, words := range map[string]string{
		serverOuter: serverOuter + ":1723: another program",
		":1723":     ":1723: another program",
		clientOuter: clientOuter + ":1723: no interface of this machine",
	} {
		assert.Contains(t, l.server.start(t, serveArgs(secrets, "--listen", listen)...).fails(t, exit.Network), words)
	}
	assert.Equal(t, before, l.server.snapshot(t))
}
