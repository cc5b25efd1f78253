//go:build !noprofiles

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// home is a directory for a user's configuration, and what has programs look there. The machine's
// own, /etc/arc4, all tests would share.
type home struct{ dir string }

func newHome(t *testing.T) home { return home{t.TempDir()} }

// profile writes a profile for its owner alone.
func (h home) profile(t *testing.T, name, text string) {
	t.Helper()
	dir := filepath.Join(h.dir, "arc4")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".toml"), []byte(text), 0o600))
}

// start runs arc4 on a machine, as this user, with more variables in its environment.
func (h home) start(t *testing.T, m *machine, environment []string, args ...string) *program {
	t.Helper()
	cmd := command(t, args...)
	cmd.Env = append(cmd.Env, "XDG_CONFIG_HOME="+h.dir)
	cmd.Env = append(cmd.Env, environment...)
	return m.run(t, cmd)
}

// ownDir puts a new directory over one of the system's on this machine; what programs write into it
// lies in dir.
func (m *machine) ownDir(t *testing.T, over, dir string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	m.Must(t, func() error { return unix.Mount(dir, over, "", unix.MS_BIND, "") })
}

const officeProfile = `server = "` + serverOuter + `"
user = "alice"
password = "wonderland"
`

// TestE2EProfile dials by a profile, by the environment alone, and by both with a flag over them.
func TestE2EProfile(t *testing.T) {
	t.Parallel()
	l, h := newTestbed(t), newHome(t)
	config := filepath.Join(t.TempDir(), "serve.toml")
	require.NoError(t, os.WriteFile(config, []byte(`listen = "`+serverOuter+`"
local-ip = "`+tunnelLocal+`"
pool = "10.99.0.100-10.99.0.102"
secrets = "users"
max-sessions = 2
`), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(config), "users"), []byte(twoUsers), 0o600))
	server := l.server.start(t, "serve", "--config", config)
	server.waitLog(t, "msg=answering", 1)
	before := l.client.snapshot(t)
	h.profile(t, "office", officeProfile+"mtu = 1300\nroute = [\""+serverInner+"/32\"]\n")

	client := h.start(t, l.client, nil, "connect", "--profile", "office").up(t)
	s := l.client.status(t)
	assert.Equal(t, 1300, session(t, s).MTU)
	device, _ := l.client.way(t, serverInner)
	assert.Equal(t, s.Process.Device, device)
	client.stop(t, syscall.SIGTERM)

	secret := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(secret, []byte("builder\n"), 0o600))
	client = h.start(t, l.client, []string{"ARC4_USER=bob", "ARC4_PASSWORD_FILE=" + secret, "ARC4_MTU=1200", "ARC4_REORDER_POLICY=drop"},
		"connect", "--profile", "office", "--mtu", "1100").up(t)
	s = l.client.status(t)
	assert.Equal(t, 1100, session(t, s).MTU)
	assert.Equal(t, "bob", session(t, s).User)
	assert.Equal(t, "drop", session(t, s).Policy)
	client.stop(t, syscall.SIGTERM)

	client = h.start(t, l.client, []string{"ARC4_SERVER=alice@" + serverOuter, "ARC4_PASSWORD=wonderland", "ARC4_ROUTE=" + serverInner + "/32,198.51.100.8/32"}, "connect").up(t)
	device, _ = l.client.way(t, "198.51.100.8")
	assert.Equal(t, l.client.status(t).Process.Device, device)
	client.stop(t, syscall.SIGTERM)

	// systemd's way to give a service a password.
	credentials := filepath.Dir(secret)
	require.NoError(t, os.Chmod(secret, 0o440))
	client = h.start(t, l.client, []string{"CREDENTIALS_DIRECTORY=" + credentials}, "connect", "bob@"+serverOuter).up(t)
	client.stop(t, syscall.SIGTERM)

	// reconnect is the default: a server that is not there yet ends nothing.
	l.server.noSessions(t)
	server.stop(t, syscall.SIGTERM)
	client = h.start(t, l.client, nil, "connect", "--profile", "office")
	client.waitLog(t, "trying again", 1)
	client.stop(t, syscall.SIGTERM)
	client = h.start(t, l.client, nil, "connect", "--profile", "office", "--reconnect=false")
	client.fails(t, exit.Network)
	require.Equal(t, before, l.client.snapshot(t))
}

// TestE2ESave saves what worked, and dials by it.
func TestE2ESave(t *testing.T) {
	t.Parallel()
	l, h := newTestbed(t), newHome(t)
	l.serve(t)
	dir := filepath.Join(t.TempDir(), "etc")
	l.client.ownDir(t, "/etc", dir)
	saved := filepath.Join(dir, "arc4", "office.toml")

	client := h.start(t, l.client, []string{"ARC4_PASSWORD=wonder\"land"}, "connect", serverOuter, "--user", "alice", "--save", "office")
	client.fails(t, exit.Auth)
	assert.NoFileExists(t, saved, "it did not work")

	client = h.start(t, l.client, []string{"ARC4_PASSWORD=wonderland"}, "connect", serverOuter, "--user", "alice", "--mtu", "1280",
		"--route", serverInner+"/32", "--reorder-timeout", "500ms", "--save", "office").up(t)
	client.waitLog(t, `msg="profile saved, with the password in it; nobody else may read it" path=/etc/arc4/office.toml`, 1)
	client.stop(t, syscall.SIGTERM)
	info, err := os.Stat(saved)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile(saved)
	require.NoError(t, err)
	for _, line := range []string{"server = '" + serverOuter + "'", "user = 'alice'", "mtu = 1280", "route = ['" + serverInner + "/32']", "reorder-timeout = '500ms'", "password = 'wonderland'"} {
		assert.Contains(t, string(text), line+"\n")
	}
	assert.NotContains(t, client.stderr.String(), "wonderland")

	client = h.start(t, l.client, nil, "connect", "--profile", "office").up(t)
	s := l.client.status(t)
	assert.Equal(t, 1280, session(t, s).MTU)
	assert.Equal(t, status.Up, s.Client.State)
	client.stop(t, syscall.SIGTERM)

	client = h.start(t, l.client, []string{"ARC4_PASSWORD=wonderland"}, "connect", serverOuter, "--user", "alice", "--save", "office")
	assert.Equal(t, "arc4: --save office: /etc/arc4/office.toml is there already: remove it, or give another name", client.fails(t, exit.Usage))
	again, err := os.ReadFile(saved)
	require.NoError(t, err)
	assert.Equal(t, text, again)

	secret := filepath.Join(h.dir, "password")
	require.NoError(t, os.WriteFile(secret, []byte("wonderland\n"), 0o600))
	client = h.start(t, l.client, nil, "connect", "alice@"+serverOuter, "--password-file", secret, "--save", "other").up(t)
	client.waitLog(t, `msg="profile saved, without the password"`, 1)
	client.stop(t, syscall.SIGTERM)
	text, err = os.ReadFile(strings.Replace(saved, "office", "other", 1))
	require.NoError(t, err)
	assert.Contains(t, string(text), "password-file = '"+secret+"'\n")
	assert.NotContains(t, string(text), "wonderland")
}
