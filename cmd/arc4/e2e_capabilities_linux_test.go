package main

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// ownCloneDevice puts a /dev/net/tun with a mode of its own in the place of the machine's.
func (m *machine) ownCloneDevice(t *testing.T, mode uint32) {
	t.Helper()
	const node = "/run/tun" // a file system of the machine's own, where devices may be
	m.Must(t, func() error {
		return errors.Join(
			unix.Mknod(node, unix.S_IFCHR|mode, int(unix.Mkdev(10, 200))),
			unix.Chmod(node, mode), // whatever the umask
			unix.Mount(node, "/dev/net/tun", "", unix.MS_BIND, ""),
			os.Remove(node)) // it lives on where it is mounted
	})
}

// TestE2ECapabilities runs a client as a user that is not root, with the capabilities that setcap
// or a container gives.
func TestE2ECapabilities(t *testing.T) {
	const raw, admin = unix.CAP_NET_RAW, unix.CAP_NET_ADMIN
	for name, c := range map[string]struct {
		capabilities []uintptr
		mode         uint32 // of /dev/net/tun
		words        []string
	}{
		"both and an open device":  {[]uintptr{raw, admin}, 0o666, nil},
		"both and a closed device": {[]uintptr{raw, admin}, 0o600, []string{"may not open /dev/net/tun (mode 0600), whatever capabilities", "chmod 666 /dev/net/tun"}},
		"no CAP_NET_ADMIN":         {[]uintptr{raw}, 0o666, []string{"lacks CAP_NET_ADMIN", "setcap cap_net_admin,cap_net_raw+ep "}},
		"no CAP_NET_RAW":           {[]uintptr{admin}, 0o666, []string{"CAP_NET_RAW", "setcap"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newTestbed(t)
			l.client.ownCloneDevice(t, c.mode)
			before := l.client.snapshot(t)
			l.serve(t, "--listen", serverFar)
			cmd := nobody(t, "connect", serverFar, "--user", "alice", "--default-route", "--reconnect", "--status-socket", "none")
			cmd.Env = append(cmd.Env, "ARC4_PASSWORD=wonderland")
			cmd.SysProcAttr.AmbientCaps = c.capabilities
			client := l.client.run(t, cmd)
			if c.words == nil {
				client.up(t)
				l.client.ping(t, serverInner, 1400)
				l.flap(t) // the way to the server is followed and put back with these capabilities
				l.client.ping(t, serverInner, 1400)
				assert.NotContains(t, client.stderr.String(), "no news of routes")
				client.stop(t, syscall.SIGTERM)
			} else {
				last := client.fails(t, exit.Permission)
				for _, w := range c.words {
					assert.Contains(t, last, w)
				}
				assert.NotContains(t, last, "%d")
			}
			assert.Equal(t, before, l.client.snapshot(t))
			l.server.noSessions(t)
		})
	}
}
