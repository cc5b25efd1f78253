package main

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestE2ETunnel is the main job with default settings, from the first packet to the last, ended by
// either signal.
func TestE2ETunnel(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newTestbed(t)
			clientBefore, serverBefore := l.client.snapshot(t), l.server.snapshot(t)
			server := l.serve(t, "--pool", "10.99.0.100-10.99.0.100")
			serving := l.server.snapshot(t)
			client := l.connect(t).up(t)
			assert.Contains(t, client.stderr.String(), "PPTP is not secure")

			l.client.ping(t, tunnelLocal, 84)
			l.server.ping(t, "10.99.0.100", 84)
			l.client.ping(t, tunnelLocal, 1400)
			l.server.ping(t, "10.99.0.100", 1400)
			exchange(t, l.client, l.server, tunnelLocal, 4<<20)
			exchange(t, l.server, l.client, "10.99.0.100", 1<<20)
			checkStatus(t, l)

			require.True(t, l.client.exists(t, "/run/arc4/connect.sock"), "which is to be gone afterwards")
			client.stop(t, sig)
			assert.Equal(t, clientBefore, l.client.snapshot(t), "the client's system is not as it was")
			l.server.noSessions(t)
			assert.Equal(t, serving, l.server.snapshot(t), "the server's system is not as before the client")
			assert.Contains(t, server.stderr.String(), "session ended")

			// The one address of the pool is free again.
			l.connect(t).up(t).stop(t, sig)
			assert.Equal(t, clientBefore, l.client.snapshot(t), "the client's system is not as it was")
			l.server.noSessions(t)
			server.stop(t, sig)
			assert.Equal(t, serverBefore, l.server.snapshot(t), "the server's system is not as it was")
		})
	}
}

// checkStatus compares what both ends say of the one session.
func checkStatus(t *testing.T, l *testbed) {
	t.Helper()
	atClient, atServer := l.client.status(t), l.server.status(t)
	assert.Equal(t, "client", atClient.Process.Role)
	assert.Equal(t, "server", atServer.Process.Role)
	assert.Equal(t, serverOuter+":1723", atServer.Process.Listen)
	c, s := session(t, atClient), session(t, atServer)
	for _, one := range []struct {
		backend, device string
		peer, wantPeer  string
		local, remote   netip.Addr
		here, there     string
	}{
		{atClient.Process.Backend, atClient.Process.Device, c.Peer, serverOuter, c.Local, c.Remote, "10.99.0.100", tunnelLocal},
		{atServer.Process.Backend, atServer.Process.Device, s.Peer, clientOuter, s.Local, s.Remote, tunnelLocal, "10.99.0.100"},
	} {
		assert.NotEmpty(t, one.backend)
		assert.Equal(t, "arc40", one.device)
		assert.Equal(t, one.wantPeer, one.peer)
		assert.Equal(t, one.here, one.local.String())
		assert.Equal(t, one.there, one.remote.String())
	}
	for _, v := range []struct {
		user, auth, policy string
		strength, mtu      int
		stateless          bool
	}{
		{c.User, c.Auth, c.Policy, c.MPPE.Strength, c.MTU, c.MPPE.Stateless},
		{s.User, s.Auth, s.Policy, s.MPPE.Strength, s.MTU, s.MPPE.Stateless},
	} {
		assert.Equal(t, "alice", v.user)
		assert.Equal(t, "MS-CHAPv2", v.auth)
		assert.Equal(t, "order", v.policy)
		assert.Equal(t, 128, v.strength)
		assert.Equal(t, 1400, v.mtu)
		assert.True(t, v.stateless)
	}
	// Nothing is lost or comes late on this cable, and all that one end has sent before the other
	// was asked has come.
	for _, end := range []struct {
		window    uint64
		decrypted uint64
		encrypted uint64
		in, out   uint64
		lost      uint64
	}{
		{c.Window.Accepted, c.MPPE.Counters["decrypted_packets"], c.MPPE.Counters["encrypted_packets"], c.BytesIn, c.BytesOut, c.Window.Lost},
		{s.Window.Accepted, s.MPPE.Counters["decrypted_packets"], s.MPPE.Counters["encrypted_packets"], s.BytesIn, s.BytesOut, s.Window.Lost},
	} {
		assert.Greater(t, end.window, uint64(1000))
		assert.Greater(t, end.decrypted, uint64(1000))
		assert.Greater(t, end.encrypted, uint64(1000))
		assert.Greater(t, end.in, uint64(5<<20))
		assert.Greater(t, end.out, uint64(5<<20))
		assert.Zero(t, end.lost)
	}
	assert.LessOrEqual(t, c.MPPE.Counters["encrypted_packets"], s.MPPE.Counters["decrypted_packets"])
	for _, name := range []string{"implausible", "out_of_range", "duplicated"} {
		assert.Zero(t, c.MPPE.Counters[name]+s.MPPE.Counters[name], name)
	}
}

// TestE2EDefaultRoute sends everything through the tunnel except the tunnel itself.
func TestE2EDefaultRoute(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	before := l.client.snapshot(t)
	l.serve(t, "--listen", serverFar)
	client := l.connectTo(t, serverFar, "wonderland", "--default-route").up(t)
	device, _ := l.client.way(t, serverInner)
	assert.Equal(t, "arc40", device)
	device, gateway := l.client.way(t, serverFar)
	assert.Equal(t, "wire", device, "the way to the server")
	assert.Equal(t, serverOuter, gateway)
	l.client.ping(t, serverInner, 1400)
	exchange(t, l.client, l.server, serverInner, 1<<20)
	assert.Greater(t, session(t, l.server.status(t)).BytesIn, uint64(1<<20), "it went another way")
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2ERoutes gives two networks to the tunnel, one of which holds the server's outer address.
func TestE2ERoutes(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	before := l.client.snapshot(t)
	l.serve(t, "--listen", serverFar)
	client := l.connectTo(t, serverFar, "wonderland", "--route", "198.51.100.0/24", "--route", "203.0.113.0/24").up(t)
	for to, want := range map[string]string{
		serverInner: "arc40", "203.0.113.99": "arc40", serverFar: "wire", serverOuter: "wire", "8.8.8.8": "wire",
	} {
		device, _ := l.client.way(t, to)
		assert.Equal(t, want, device, "the way to %s", to)
	}
	l.client.ping(t, serverInner, 84)
	client.stop(t, syscall.SIGINT)
	assert.Equal(t, before, l.client.snapshot(t))

	// A route that the system has already is somebody else's: an error that names both, and nothing
	// left.
	l.client.Must(t, func() error {
		return netlink.RouteAdd(&netlink.Route{Dst: prefix("198.51.100.0/24"), Gw: netip.MustParseAddr(serverOuter).AsSlice()})
	})
	before = l.client.snapshot(t)
	last := l.connectTo(t, serverFar, "wonderland", "--route", "198.51.100.0/24").fails(t, exit.Failure)
	assert.Contains(t, last, "198.51.100.0/24")
	assert.Contains(t, last, "via "+serverOuter)
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2ENamesAndSizes sets the device's name and the MTU, differently at the two ends: the smaller
// MTU counts.
func TestE2ENamesAndSizes(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t, "--tun", "office", "--mtu", "1456")
	client := l.connect(t, "--tun", "vpn%d", "--mtu", "1300", "--log-format", "json").up(t)
	require.NotNil(t, l.server.device(t, "office"))
	tun := l.client.device(t, "vpn0")
	require.NotNil(t, tun)
	assert.Equal(t, 1300, tun.MTU)
	assert.Contains(t, client.stderr.String(), `"device":"vpn0"`)
	l.client.ping(t, tunnelLocal, 1300)
	l.client.tooLong(t, tunnelLocal, 1301)
	exchange(t, l.client, l.server, tunnelLocal, 1<<20)
	exchange(t, l.server, l.client, "10.99.0.100", 1<<20)
	c, s := session(t, l.client.status(t)), session(t, l.server.status(t))
	assert.Equal(t, 1300, c.MTU)
	assert.Equal(t, 1300, s.MTU)
	client.stop(t, syscall.SIGTERM)
	assert.Nil(t, l.client.device(t, "vpn0"))
}

// TestE2EUserInTheAddress names the user as ssh does.
func TestE2EUserInTheAddress(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serveWith(t, secretsFile(t, "alice@corp.example * wonderland *\n\"OFFICE\\\\carol\" * looking-glass *\n"))
	for user, password := range map[string]string{"alice@corp.example": "wonderland", `OFFICE\carol`: "looking-glass"} {
		cmd := command(t, "connect", user+"@"+serverOuter)
		cmd.Env = append(cmd.Env, "ARC4_PASSWORD="+password)
		client := l.client.run(t, cmd).up(t)
		client.stop(t, syscall.SIGTERM)
	}
}
