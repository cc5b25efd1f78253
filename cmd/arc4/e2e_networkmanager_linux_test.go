//go:build !nonm

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// nmConfig is a configuration without polkit, and without anything that happens by itself.
const nmConfig = "[main]\nplugins=keyfile\nauth-polkit=false\ndhcp=internal\nno-auto-default=*\ndns=default\n"

// nmFiles are those that a package lays beside NetworkManager's own, with this program in the place
// of arc4, and NetworkManager's configuration.
func nmFiles(t *testing.T) (folder, policy string) {
	t.Helper()
	folder = t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	lib, etc := filepath.Join(folder, "usr/lib/NetworkManager"), filepath.Join(folder, "etc/NetworkManager")
	for _, dir := range []string{filepath.Join(lib, "VPN"), etc} {
		require.NoError(t, os.MkdirAll(dir, 0o755))
	}
	for _, link := range []string{"nm-arc4-service", "nm-arc4-auth-dialog"} {
		require.NoError(t, os.Symlink(self, filepath.Join(lib, link)))
	}
	const ours = "../../packaging/linux/networkmanager/"
	name := document(t, strings.TrimPrefix(ours, "../../")+"nm-pptp-service.name")
	require.NoError(t, os.WriteFile(filepath.Join(lib, "VPN/nm-pptp-service.name"), []byte(name), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(etc, "NetworkManager.conf"), []byte(nmConfig), 0o644))
	policy, err = filepath.Abs(ours + "nm-arc4-service.conf")
	require.NoError(t, err)
	return folder, policy
}

// networkManager is the client's machine of a testbed, on which NetworkManager runs.
type networkManager struct {
	*machine
	daemon *program
}

// newNetworkManager makes a testbed with one, and a connection to the server's far address.
func newNetworkManager(t *testing.T) (*testbed, networkManager) {
	t.Helper()
	unpacked := labtest.Unpacked(t, "network-manager")
	folder, policy := nmFiles(t)
	l := newTestbed(t, folder, unpacked)
	labtest.ForNetworkManager(t, l.client.Host, policy)
	cmd := exec.Command("/usr/sbin/NetworkManager", "--debug")
	cmd.SysProcAttr = new(syscall.SysProcAttr)
	cmd.WaitDelay = patience
	m := networkManager{machine: l.client, daemon: l.client.run(t, cmd)}
	waitFor(t, "NetworkManager to see the cable", func() error {
		out, err := m.try(t, "-g", "GENERAL.STATE", "device", "show", "wire")
		if err == nil && !strings.HasPrefix(out, "100 ") {
			err = errors.New(out)
		}
		return err
	})
	m.nmcli(t, "connection", "add", "type", "ethernet", "ifname", "wire", "con-name", "cable", "ipv6.method", "disabled",
		"ipv4.method", "manual", "ipv4.addresses", clientOuter+"/24", "ipv4.gateway", serverOuter)
	m.nmcli(t, "connection", "up", "cable")
	m.nmcli(t, "connection", "add", "type", "vpn", "vpn-type", "pptp", "con-name", "office", "vpn.data", "gateway="+serverFar+",user=alice,require-mppe-128=yes", "vpn.secrets", "password=wonderland")
	return l, m
}

// try runs nmcli and gives what it says.
func (m networkManager) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out record
	cmd := exec.Command("/usr/bin/nmcli", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, m.Start(cmd))
	err := cmd.Wait()
	return strings.TrimSpace(out.String()), err
}

// nmcli has to succeed.
func (m networkManager) nmcli(t *testing.T, args ...string) string {
	t.Helper()
	out, err := m.try(t, args...)
	require.NoError(t, err, "nmcli %s\n%s", strings.Join(args, " "), out)
	return out
}

// state is the connection's, empty if there is none.
func (m networkManager) state(t *testing.T) string {
	t.Helper()
	return m.nmcli(t, "-g", "GENERAL.STATE", "connection", "show", "office")
}

// waitState waits until the connection has it.
func (m networkManager) waitState(t *testing.T, want string) {
	t.Helper()
	waitFor(t, fmt.Sprintf("the state %q", want), func() error {
		if got := m.state(t); got != want {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
}

// network is what a connection may change of a machine.
func (m networkManager) network(t *testing.T) string {
	t.Helper()
	var lines []string
	m.Must(t, func() (err error) {
		lines, err = networkState()
		return err
	})
	// NetworkManager has the right to write the file anew.
	return strings.Join(lines, "\n") + m.resolvConf(t)
}

// waitAsBefore waits until nothing is left of a connection: NetworkManager says sooner that it has
// ended.
func (m networkManager) waitAsBefore(t *testing.T, before string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for m.network(t) != before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	require.Equal(t, before, m.network(t))
}

// TestE2ENetworkManager: the real NetworkManager makes connections with the plugin, gives the
// device its addresses, routes and name servers, and hears of every end.
func TestE2ENetworkManager(t *testing.T) {
	t.Parallel()
	l, m := newNetworkManager(t)
	serve := func() *program { return l.serve(t, "--listen", serverFar, "--dns", insideServer) }
	server := serve()
	m.nmcli(t, "connection", "up", "office")
	m.nmcli(t, "connection", "down", "office") // NetworkManager has written resolv.conf by then
	waitFor(t, "the device to go", func() error {
		if strings.Contains(m.network(t), "arc40") {
			return os.ErrExist
		}
		return nil
	})
	before := m.network(t)

	t.Run("up and down", func(t *testing.T) {
		m.nmcli(t, "connection", "up", "office")
		assert.Equal(t, "activated", m.state(t))
		shown := m.nmcli(t, "-f", "IP4", "connection", "show", "office")
		assert.Regexp(t, `IP4\.ADDRESS\[1\]: +10\.99\.0\.10\d/32`, shown)
		assert.Regexp(t, `IP4\.ROUTE\[1\]: +dst = 0\.0\.0\.0/0`, shown)
		assert.Regexp(t, `IP4\.DNS\[1\]: +`+regexp.QuoteMeta(insideServer), shown)
		assert.Contains(t, m.resolvConf(t), "nameserver "+insideServer+"\n")
		device, _ := m.way(t, serverInner)
		assert.Equal(t, "arc40", device)
		device, gateway := m.way(t, serverFar)
		assert.Equal(t, "wire "+serverOuter, device+" "+gateway, "the way to the server")
		m.ping(t, serverInner, 1400)
		m.ping(t, tunnelLocal, 1400)
		s := m.status(t)
		assert.Equal(t, "office", s.Process.Profile)
		assert.Equal(t, 1400, session(t, s).MTU)
		assert.NotContains(t, m.network(t), `"Protocol":164`, "routes and addresses are NetworkManager's business")
		m.nmcli(t, "connection", "down", "office")
		m.waitAsBefore(t, before)
		l.server.noSessions(t)
	})
	t.Run("wrong password", func(t *testing.T) {
		m.nmcli(t, "connection", "modify", "office", "vpn.secrets", "password=looking-glass")
		out, err := m.try(t, "connection", "up", "office")
		require.Error(t, err)
		assert.Contains(t, out, "Connection activation failed: Invalid secrets")
		m.waitAsBefore(t, before)
	})
	t.Run("password asked for", func(t *testing.T) {
		m.nmcli(t, "connection", "modify", "office", "vpn.secrets", "", "+vpn.data", "password-flags=2")
		out, err := m.try(t, "connection", "up", "office")
		require.Error(t, err)
		assert.Contains(t, out, "password for 'vpn.secrets.password' not given")
		assert.Contains(t, out, "The VPN office asks for a password.", "what the auth-dialog says")
		answers := filepath.Join(t.TempDir(), "answers")
		require.NoError(t, os.WriteFile(answers, []byte("vpn.secrets.password:wonderland\n"), 0o600))
		m.nmcli(t, "connection", "up", "office", "passwd-file", answers)
		m.ping(t, serverInner, 84)
		m.nmcli(t, "connection", "down", "office")
		m.waitAsBefore(t, before)
		m.nmcli(t, "connection", "modify", "office", "-vpn.data", "password-flags", "vpn.secrets", "password=wonderland")
	})
	t.Run("a key that nobody knows", func(t *testing.T) {
		m.nmcli(t, "connection", "modify", "office", "+vpn.data", "mtu=banana")
		_, err := m.try(t, "connection", "up", "office")
		require.Error(t, err)
		m.daemon.waitLog(t, `mtu \\"banana\\": arc4 takes 576 to 1500`, 1)
		m.nmcli(t, "connection", "modify", "office", "-vpn.data", "mtu")
		m.waitAsBefore(t, before)
	})
	t.Run("the server goes", func(t *testing.T) {
		m.nmcli(t, "connection", "up", "office")
		server.stop(t, syscall.SIGTERM)
		m.waitState(t, "")
		m.waitAsBefore(t, before)
		server = serve()
	})
	t.Run("persistent", func(t *testing.T) {
		m.nmcli(t, "connection", "modify", "office", "vpn.persistent", "yes")
		m.nmcli(t, "connection", "up", "office")
		m.ping(t, serverInner, 84)
		server.stop(t, syscall.SIGTERM)
		m.daemon.waitLog(t, "trying again", 1)
		server = serve()
		assert.Equal(t, "activated", m.state(t), "or packets would leave by another way meanwhile")
		m.ping(t, serverInner, 84)
		device, gateway := m.way(t, serverFar)
		assert.Equal(t, "wire "+serverOuter, device+" "+gateway, "the way to the server")
	})
	t.Run("NetworkManager is killed", func(t *testing.T) {
		m.daemon.signal(t, unix.SIGKILL)
		waitFor(t, "the tunnel to end", func() error {
			if strings.Contains(m.network(t), "arc40") {
				return os.ErrExist
			}
			return nil
		})
		l.server.noSessions(t)
	})
	assert.NotContains(t, m.daemon.stderr.String(), "wonderland")
	assert.NotContains(t, m.daemon.stderr.String(), "looking-glass")
}
