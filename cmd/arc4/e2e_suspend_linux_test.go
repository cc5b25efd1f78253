package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestE2EWakesUp has a machine sleep while its server is started anew, of which it hears nothing:
// when it wakes up it asks, and is back. A call that lives goes on.
func TestE2EWakesUp(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serve(t)
	slept := filepath.Join(t.TempDir(), "suspended")
	sleeps := func(text string) {
		require.NoError(t, os.WriteFile(slept+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(slept+".new", slept))
	}
	sleeps("0s")
	cmd := command(t, "connect", serverOuter, "--user", "alice", "--reconnect", "--echo-interval", "10m")
	cmd.Env = append(cmd.Env, "ARC4_PASSWORD=wonderland", "TEST_SUSPENDED_FILE="+slept)
	client := l.client.run(t, cmd).up(t)

	sleeps("1h")
	client.waitLog(t, "this machine was suspended: the server is asked", 1)
	l.client.ping(t, tunnelLocal, 1400)

	// What the server says while the client sleeps goes nowhere.
	lost := &netlink.Route{Dst: prefix(clientOuter + "/32"), Type: unix.RTN_BLACKHOLE}
	l.server.Must(t, func() error { return netlink.RouteAdd(lost) })
	server.signal(t, syscall.SIGKILL)
	server.wait(t)
	l.server.Must(t, func() error { return netlink.RouteDel(lost) })
	l.serve(t)
	sleeps("9h")
	client.waitLog(t, "this machine was suspended: the server is asked", 2)
	client.waitLog(t, "tunnel is up", 2)
	l.client.ping(t, tunnelLocal, 1400)
	assert.Equal(t, 1, strings.Count(client.stderr.String(), "trying again"))
	client.stop(t, syscall.SIGTERM)
	require.Equal(t, exit.OK, client.wait(t))
}
