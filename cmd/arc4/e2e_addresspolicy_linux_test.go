package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// givingServer starts a server whose client gets one address, and which has another itself.
func (l *testbed) givingServer(t *testing.T, client, server string) *program {
	t.Helper()
	return l.serveWith(t, secretsFile(t, "alice * wonderland "+client+"\n"), "--listen", serverFar, "--local-ip", server)
}

// hasNameServer makes one known on the client's machine, as systemd-resolved does.
func (l *testbed) hasNameServer(t *testing.T, address string) {
	t.Helper()
	l.client.Must(t, func() error {
		if err := os.MkdirAll("/run/systemd/resolve", 0o755); err != nil {
			return err
		}
		return os.WriteFile("/run/systemd/resolve/resolv.conf", []byte("nameserver "+address+"\n"), 0o644)
	})
}

// TestE2EAddressesThatAreRefused: a client does not take an address from its server that would make
// it answer for somebody else, and says why; nothing is left of it.
func TestE2EAddressesThatAreRefused(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.hasNameServer(t, "10.20.0.53")
	before := l.client.snapshot(t)
	for _, tc := range []struct{ name, address, reason string }{
		{"the gateway's", serverOuter, "which is the gateway of a route by wire"},
		{"a neighbour's", "192.0.2.77", "which is in the network 192.0.2.0/24 of wire"},
		{"our own", clientOuter, "which is this machine's own on wire"},
		{"a name server's", "10.20.0.53", "which is a name server of this machine, by /run/systemd/resolve/resolv.conf"},
		{"the metadata service's", "169.254.169.254", "which is in 169.254.0.0/16, of one link alone, where clouds have their metadata"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := l.givingServer(t, tc.address, tunnelLocal)
			line := l.connectTo(t, serverFar, "wonderland").fails(t, exit.Policy)
			assert.Contains(t, line, "the server gives this machine the tunnel address "+tc.address+", "+tc.reason)
			t.Log(line)
			assert.Equal(t, before, l.client.snapshot(t))
			server.stop(t, syscall.SIGTERM)
		})
	}
}

// TestE2EAddressesThatAreNotUsed: what the server has as its own address in the tunnel is no reason
// to send it anything that went elsewhere before. The tunnel works all the same.
func TestE2EAddressesThatAreNotUsed(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.hasNameServer(t, "10.20.0.53")
	for _, tc := range []struct{ name, address, reason string }{
		{"a public one", "8.8.8.8", "public, and no route asks for it"},
		{"the metadata service's", "169.254.169.254", "in 169.254.0.0/16, of one link alone"},
		{"a name server's", "10.20.0.53", "a name server of this machine, by /run/systemd/resolve/resolv.conf"},
		{"a neighbour's", "192.0.2.77", "in the network 192.0.2.0/24 of wire"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := l.givingServer(t, "10.99.0.100", tc.address)
			client := l.connectTo(t, serverFar, "wonderland", "--route", serverInner).up(t)
			device, _ := l.client.way(t, tc.address)
			assert.Equal(t, "wire", device)
			device, _ = l.client.way(t, serverInner)
			assert.Equal(t, "arc40", device)
			l.client.ping(t, serverInner, 1400)
			assert.Contains(t, client.stderr.String(), tc.reason)
			client.stop(t, syscall.SIGTERM)
			server.stop(t, syscall.SIGTERM)
		})
	}
	t.Run("a public one that is asked for", func(t *testing.T) {
		server := l.givingServer(t, "10.99.0.100", "8.8.8.8")
		client := l.connectTo(t, serverFar, "wonderland", "--route", "8.8.8.8").up(t)
		device, _ := l.client.way(t, "8.8.8.8")
		assert.Equal(t, "arc40", device)
		l.client.ping(t, "8.8.8.8", 1400)
		assert.NotContains(t, client.stderr.String(), "is not used")
		client.stop(t, syscall.SIGTERM)
		server.stop(t, syscall.SIGTERM)
	})
}

// TestE2EAddressesAreJudgedEachTime: a server that behaved until now is believed no more than one
// that is new, and a network may have come since that has an address.
func TestE2EAddressesAreJudgedEachTime(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.givingServer(t, "10.99.0.100", tunnelLocal)
	client := l.connectTo(t, serverFar, "wonderland", "--reconnect", "--route", serverInner).up(t)
	l.client.ping(t, tunnelLocal, 1400)
	server.stop(t, syscall.SIGTERM)

	server = l.givingServer(t, "10.99.0.101", "8.8.8.8")
	client.waitLog(t, "tunnel is up", 2)
	device, _ := l.client.way(t, "8.8.8.8")
	assert.Equal(t, "wire", device)
	l.client.ping(t, serverInner, 1400)
	server.stop(t, syscall.SIGTERM)

	server = l.givingServer(t, "192.0.2.77", tunnelLocal)
	client.waitLog(t, "tunnel address 192.0.2.77, which is in the network 192.0.2.0/24 of wire", 1)
	for _, a := range l.client.addresses(t, "arc40", netlink.FAMILY_V4) {
		assert.NotEqual(t, "192.0.2.77", a.String())
	}
	require.True(t, client.running(), "a tunnel that has been up is tried again")
	server.stop(t, syscall.SIGTERM)

	server = l.givingServer(t, "10.99.0.100", tunnelLocal)
	client.waitLog(t, "tunnel is up", 3)
	l.client.ping(t, tunnelLocal, 1400)
	server.stop(t, syscall.SIGTERM)

	// The address that was fine a moment ago is now a neighbour's.
	l.client.Must(t, func() error { return netns.AddAddress("wire", "10.99.0.7/24") })
	server = l.givingServer(t, "10.99.0.100", tunnelLocal)
	client.waitLog(t, "tunnel address 10.99.0.100, which is in the network 10.99.0.0/24 of wire", 1)
	assert.Equal(t, 3, strings.Count(client.stderr.String(), "tunnel is up"))
	client.stop(t, syscall.SIGTERM)
	server.stop(t, syscall.SIGTERM)
}

// TestE2EServerInsideAsOutside: a server whose address in the tunnel is the one that it is called
// at, as pptpd's localip often is, is agreed with and reached as before; all else goes through the
// tunnel.
func TestE2EServerInsideAsOutside(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serve(t, "--listen", ":1723", "--local-ip", serverFar)
	before := l.client.snapshot(t)
	client := l.connectTo(t, serverFar, "wonderland", "--default-route").up(t)
	device, gateway := l.client.way(t, serverFar)
	assert.Equal(t, "wire "+serverOuter, device+" "+gateway)
	device, _ = l.client.way(t, serverInner)
	assert.Equal(t, "arc40", device)
	l.client.ping(t, serverInner, 1400)
	exchange(t, l.client, l.server, serverInner, 1<<20)
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.snapshot(t))
	server.stop(t, syscall.SIGTERM)
}
