package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestE2ETwoClients keeps the sessions of two machines apart.
func TestE2ETwoClients(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	other := l.join(t, "other client", "wire2", "192.0.3.2", "192.0.3.1")
	l.serve(t, "--dns", "9.9.9.9")
	first := l.connect(t).up(t)
	assert.Contains(t, first.stderr.String(), "9.9.9.9")
	cmd := command(t, "connect", serverOuter, "--user", "bob")
	cmd.Env = append(cmd.Env, "ARC4_PASSWORD=builder")
	second := other.run(t, cmd).up(t)
	require.Equal(t, 2, l.server.sessions(t))
	atFirst, atSecond := session(t, l.client.status(t)), session(t, other.status(t))
	require.NotEqual(t, atFirst.Local, atSecond.Local)

	l.server.ping(t, atFirst.Local.String(), 84)
	l.server.ping(t, atSecond.Local.String(), 84)
	exchange(t, l.client, l.server, tunnelLocal, 256<<10)
	exchange(t, other, l.server, tunnelLocal, 256<<10)
	first.stop(t, syscall.SIGTERM)
	exchange(t, other, l.server, tunnelLocal, 256<<10)
	second.stop(t, syscall.SIGTERM)
	l.server.noSessions(t)
}

// TestE2EPoolExhausted has one address for two clients.
func TestE2EPoolExhausted(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serve(t, "--pool", "10.99.0.100-10.99.0.100")
	first := l.connect(t).up(t)
	second := l.connect(t, "--tun", "other", "--status-socket", "none")
	code := second.wait(t)
	assert.Contains(t, []int{exit.Network, exit.Policy}, code)
	server.waitLog(t, `no address for a client.*10\.99\.0\.100`, 1)
	assert.Nil(t, l.client.device(t, "other"))
	l.client.ping(t, tunnelLocal, 84)
	first.stop(t, syscall.SIGTERM)
	l.server.noSessions(t)
	l.connect(t).up(t).stop(t, syscall.SIGTERM)
}

// TestE2EMaxSessions lets one client in, and the next when it has gone.
func TestE2EMaxSessions(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serve(t, "--max-sessions", "1")
	first := l.connect(t).up(t)
	second := l.connect(t, "--tun", "other", "--status-socket", "none")
	last := second.fails(t, exit.Network)
	assert.Contains(t, last, "call")
	server.waitLog(t, "all sessions are in use.*sessions=1", 1)
	l.client.ping(t, tunnelLocal, 84)
	first.stop(t, syscall.SIGTERM)
	l.server.noSessions(t)
	l.connect(t).up(t).stop(t, syscall.SIGTERM)
}

// TestE2EFixedAddresses takes a user's address from the secrets file.
func TestE2EFixedAddresses(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serveWith(t, secretsFile(t, "alice arc4 wonderland 10.99.0.77\nalice other nothing *\n"))
	client := l.connect(t).up(t)
	assert.Equal(t, "10.99.0.77", session(t, l.client.status(t)).Local.String())
	client.stop(t, syscall.SIGTERM)
}

// TestE2ESecretsChange changes the secrets file under a server that runs.
func TestE2ESecretsChange(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	secrets := secretsFile(t, "bob * builder *\n")
	server := l.serveWith(t, secrets)
	assert.Contains(t, l.connect(t).fails(t, exit.Auth), "691")

	rewrite := func(content string) {
		require.NoError(t, os.WriteFile(secrets+".new", []byte(content), 0o600))
		require.NoError(t, os.Rename(secrets+".new", secrets))
		// A server that has just looked at the file does so again after a second.
		looked := time.Now()
		waitFor(t, "the time for another look", func() error {
			if wait := time.Until(looked.Add(time.Second)); wait > 0 {
				return fmt.Errorf("in %v", wait)
			}
			return nil
		})
	}
	rewrite(twoUsers)
	l.connect(t).up(t).stop(t, syscall.SIGTERM)
	assert.Contains(t, server.stderr.String(), "secrets file was read again")

	rewrite("alice * \"wonderland\n")
	l.connect(t).up(t).stop(t, syscall.SIGTERM)
	server.waitLog(t, "secrets file changed, but cannot be used.*line 1", 1)
	server.stop(t, syscall.SIGTERM)
}

// TestE2ENoAddressColumn has a user whose line ends after the password, which allows no address.
func TestE2ENoAddressColumn(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serveWith(t, secretsFile(t, "bob * builder *\nalice * wonderland\n"))
	assert.Contains(t, server.stderr.String(), `:2 user=alice warning="no address column`)
	last := l.connect(t).fails(t, exit.Network)
	assert.Contains(t, last, "the server has no address to give")
	server.waitLog(t, "allows this user no address: add a fourth word to the line.* user=alice line=2", 1)
	l.server.noSessions(t)
}

// TestE2EAddressOutsideThePool has a user with an address of its own that the pool's routes do not
// reach.
func TestE2EAddressOutsideThePool(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serveWith(t, secretsFile(t, "alice * wonderland 10.98.0.1\n"))
	client := l.connect(t).up(t)
	server.waitLog(t, "an address outside of --pool.*user=alice address=10.98.0.1", 1)
	l.server.Must(t, func() error {
		link, err := netlink.LinkByName("arc40")
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{Dst: prefix("10.98.0.1/32"), LinkIndex: link.Attrs().Index})
	})
	l.client.ping(t, tunnelLocal, 84)
	l.server.ping(t, "10.98.0.1", 84)
	client.stop(t, syscall.SIGTERM)
	server.stop(t, syscall.SIGTERM)
	assert.Equal(t, 1, strings.Count(server.stderr.String(), "an address outside of --pool"))
}

// TestE2ESeveralAddresses has one server on two addresses.
func TestE2ESeveralAddresses(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serve(t, "--listen", serverOuter+","+serverInner, "--listen", "127.0.0.1:2723")
	server.waitLog(t, `answering.*listen="`+serverOuter+`:1723, `+serverInner+`:1723, 127.0.0.1:2723"`, 1)
	assert.Equal(t, serverOuter+":1723, "+serverInner+":1723, 127.0.0.1:2723", l.server.status(t).Process.Listen)
	first := l.connect(t).up(t)
	second := l.connectTo(t, serverInner, "wonderland", "--tun", "other", "--status-socket", "none").up(t)
	require.Equal(t, 2, l.server.sessions(t))
	first.stop(t, syscall.SIGTERM)
	second.stop(t, syscall.SIGTERM)
	l.server.noSessions(t)
	server.stop(t, syscall.SIGTERM)
}
