//go:build !nodns

package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// looksUp gives what a program of the machine gets for a name: by the C library, as most do.
func (m *machine) looksUp(t *testing.T, name string) string {
	t.Helper()
	var out strings.Builder
	cmd := exec.Command("getent", "ahostsv4", name)
	cmd.Stdout = &out
	require.NoError(t, m.Start(cmd))
	_ = cmd.Wait() // no answer is an answer too
	address, _, _ := strings.Cut(out.String(), " ")
	return address
}

// nameServers puts one name server outside of the tunnel, which the client asks and which knows the
// server's name, and one behind the server, which knows the inside.
func (l *testbed) nameServers(t *testing.T) (outside *nameServer) {
	t.Helper()
	for _, a := range []string{nameFar, insideServer} {
		l.server.Must(t, func() error { return netns.AddAddress("lo", a+"/32") })
	}
	l.server.nameServer(t, insideServer, insideAnswer).knows(insideName)
	l.client.Must(t, func() error {
		return os.WriteFile("/etc/resolv.conf", []byte("# the network's\nnameserver "+nameFar+"\noptions timeout:10 attempts:3\n"), 0o644)
	})
	return l.server.nameServer(t, nameFar, serverFar)
}

// TestE2ENameServers: the offered name server is asked while the tunnel is up and while it is
// dialled again, the server's own name is looked up around it, and then all is as before.
func TestE2ENameServers(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	outside := l.nameServers(t)
	before := l.client.snapshot(t)
	args := []string{"--listen", serverFar, "--dns", insideServer + "," + serverInner}
	server := l.serve(t, args...)
	client := l.connectTo(t, serverName, "wonderland", "--default-route", "--reconnect").up(t)
	assert.Equal(t, insideAnswer, l.client.looksUp(t, insideName))
	ours := l.client.resolvConf(t)
	assert.Contains(t, ours, "\nnameserver "+insideServer+"\nnameserver "+serverInner+"\noptions timeout:10 attempts:3\n")
	assert.NotContains(t, ours, nameFar, "which would be asked about inside names too")

	server.stop(t, syscall.SIGTERM)
	client.waitLog(t, "trying again", 1)
	assert.Equal(t, ours, l.client.resolvConf(t), "while it is dialled again")
	asked := outside.questions()
	l.serve(t, args...)
	client.waitLog(t, "tunnel is up", 2)
	assert.Greater(t, outside.questions(), asked, "the server's name, outside")
	assert.Equal(t, insideAnswer, l.client.looksUp(t, insideName))
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2ENameServerThatIsTheServer: its address in the tunnel is reached through it by itself, and
// stays in use when the tunnel comes again, though it is a name server of this machine by then.
func TestE2ENameServerThatIsTheServer(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.nameServers(t)
	before := l.client.snapshot(t)
	server := l.serve(t, "--dns", tunnelLocal)
	client := l.connect(t, "--reconnect").up(t)
	assert.Contains(t, l.client.resolvConf(t), "\nnameserver "+tunnelLocal+"\nnameserver "+nameFar+"\n")
	server.stop(t, syscall.SIGTERM)
	l.serve(t, "--dns", tunnelLocal)
	client.waitLog(t, "tunnel is up", 2)
	assert.NotContains(t, client.stderr.String(), "is not used")
	l.client.ping(t, tunnelLocal, 100)
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2ENameServersOfAKilledClient: a client that was killed has left its name servers, which
// nobody reaches any more: the next one puts the file back.
func TestE2ENameServersOfAKilledClient(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.nameServers(t)
	l.client.Must(t, func() error {
		// As NetworkManager has it.
		if err := os.Rename("/etc/resolv.conf", "/etc/resolv.conf.real"); err != nil {
			return err
		}
		return os.Symlink("resolv.conf.real", "/etc/resolv.conf")
	})
	before := l.client.snapshot(t)
	l.serve(t, "--listen", serverFar, "--dns", insideServer)
	l.connectTo(t, serverName, "wonderland", "--default-route").up(t).killed(t)
	require.Contains(t, l.client.resolvConf(t), "\nnameserver "+insideServer+"\n", "which is what this is about")
	client := l.connectTo(t, serverName, "wonderland", "--default-route").up(t)
	assert.Contains(t, client.stderr.String(), "the name servers of a run that was killed are not asked any more")
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.snapshot(t))
}

// resolvectl runs it on the machine.
func (m *machine) resolvectl(t *testing.T, args ...string) string {
	t.Helper()
	var out strings.Builder
	cmd := exec.Command("/usr/bin/env", append([]string{"resolvectl"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, m.Start(cmd))
	_ = cmd.Wait() // what it says shows it
	return out.String()
}

// TestE2ENameServersByResolved: all names, and those of some domains alone, by the real
// systemd-resolved.
func TestE2ENameServersByResolved(t *testing.T) {
	t.Parallel()
	l := newTestbed(t, labtest.Unpacked(t, "systemd-resolved"))
	l.nameServers(t)
	labtest.StartResolved(t, l.client.Host)
	waitFor(t, "systemd-resolved", func() error {
		if said := l.client.resolvectl(t, "dns", "wire", nameFar); said != "" {
			return errors.New(said)
		}
		return nil
	})
	state := func() string { return l.client.resolvectl(t, "dns") + l.client.resolvectl(t, "domain") }
	before, file := state(), l.client.resolvConf(t)
	l.serve(t, "--listen", serverFar, "--dns", insideServer)
	for _, tc := range []struct {
		name    string
		args    []string
		domains []string
		other   string // what a name outside of the inside's domain resolves to
	}{
		{"all", []string{"--default-route"}, nil, ""},
		{"a domain", []string{"--route", "198.51.100.0/24", "--dns-domain", "Office.Example."}, []string{"office.example"}, serverFar},
	} {
		client := l.connectTo(t, serverName, "wonderland", tc.args...).up(t)
		assert.Contains(t, client.stderr.String(), `what="by systemd-resolved, at `+insideServer, tc.name)
		assert.Equal(t, insideAnswer, l.client.looksUp(t, insideName), tc.name)
		assert.Equal(t, &status.Names{By: "systemd-resolved", Servers: []string{insideServer}, Domains: tc.domains}, l.client.status(t).Names)
		assert.Equal(t, tc.other, l.client.looksUp(t, serverName), tc.name)
		if tc.other != "" {
			assert.Equal(t, insideAnswer, l.client.looksUp(t, "files"), "the domain is put behind it")
		}
		client.stop(t, syscall.SIGTERM)
		assert.Equal(t, before, state(), tc.name)
		waitFor(t, "systemd-resolved to write its file", func() error { // which has the domains in it
			if now := l.client.resolvConf(t); now != file {
				return errors.New(now)
			}
			return nil
		})
	}
	l.connectTo(t, serverName, "wonderland", "--default-route").up(t).killed(t)
	waitFor(t, "the servers to go with the device", func() error {
		if now := state(); now != before {
			return errors.New(now)
		}
		return nil
	})
}

// TestE2ENameServersThatAreNotAsked: nothing changes, and a line says why.
func TestE2ENameServersThatAreNotAsked(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.nameServers(t)
	before := l.client.resolvConf(t)
	l.serve(t, "--dns", insideServer+","+clientOuter)
	client := l.connect(t).up(t)
	assert.Contains(t, client.stderr.String(), insideServer+" is not reached through the tunnel")
	assert.Equal(t, before, l.client.resolvConf(t))
	client.stop(t, syscall.SIGTERM)
	client = l.connect(t, "--default-route", "--dns", "off").up(t)
	assert.Equal(t, before, l.client.resolvConf(t))
	client.stop(t, syscall.SIGTERM)
	client = l.connect(t, "--route", insideServer+"/32").up(t)
	assert.Contains(t, client.stderr.String(), clientOuter+" is not reached through the tunnel", "it is this machine's")
	assert.Equal(t, insideAnswer, l.client.looksUp(t, insideName))
	assert.Contains(t, l.client.resolvConf(t), "\nnameserver "+insideServer+"\nnameserver "+nameFar+"\n", "for the rest")
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.resolvConf(t))
}

// TestE2ENameServersThatCannotBeSet: with a file that cannot be written the tunnel works and a line
// says what to do; who asks for a server is told that it cannot be had.
func TestE2ENameServersThatCannotBeSet(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.nameServers(t)
	before := l.client.resolvConf(t)
	l.client.Must(t, func() error { return unix.Mount("/etc", "/etc", "", unix.MS_BIND, "") })
	l.client.Must(t, func() error { return unix.Mount("", "/etc", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "") })
	l.serve(t, "--dns", insideServer)
	client := l.connect(t, "--default-route").up(t)
	assert.Contains(t, client.stderr.String(), "the file system is mounted read-only; name the servers there yourself, and give --dns off")
	l.client.ping(t, serverInner, 100)
	client.stop(t, syscall.SIGTERM)
	line := l.connect(t, "--default-route", "--dns", insideServer).fails(t, exit.Failure)
	assert.Contains(t, line, "--dns: name servers by /etc/resolv.conf: ")
	assert.Equal(t, before, l.client.resolvConf(t))
}
