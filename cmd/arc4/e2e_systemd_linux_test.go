//go:build !noprofiles

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// supervisor listens as systemd does to a service of Type=notify.
type supervisor struct {
	path   string
	socket *net.UnixConn
}

func newSupervisor(t *testing.T) *supervisor {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // t.TempDir is too long for a socket
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &supervisor{path: filepath.Join(dir, "notify")}
	s.socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.socket.Close() })
	return s
}

// hears gives what comes next.
func (s *supervisor) hears(t *testing.T) string {
	t.Helper()
	b := make([]byte, 4096)
	require.NoError(t, s.socket.SetReadDeadline(time.Now().Add(patience)))
	n, err := s.socket.Read(b)
	require.NoError(t, err)
	return string(b[:n])
}

// TestE2ENotify: systemd hears when a server answers and a client's packets pass, and of their end.
func TestE2ENotify(t *testing.T) {
	t.Parallel()
	l, h, s, ofServer := newTestbed(t), newHome(t), newSupervisor(t), newSupervisor(t)
	notify := []string{"NOTIFY_SOCKET=" + s.path}
	server := h.start(t, l.server, []string{"NOTIFY_SOCKET=" + ofServer.path}, serveArgs(secretsFile(t, twoUsers))...)
	assert.Equal(t, "READY=1\nSTATUS=answering on "+serverOuter+":1723", ofServer.hears(t))
	server.signal(t, syscall.SIGHUP)
	assert.Equal(t, "RELOADING=1", ofServer.hears(t))
	assert.Equal(t, "READY=1", ofServer.hears(t))

	h.profile(t, "office", officeProfile)
	client := h.start(t, l.client, notify, "connect", "--profile", "office")
	assert.Regexp(t, `^READY=1\nSTATUS=up: 10\.99\.0\.10\d on arc40$`, s.hears(t))
	server.stop(t, syscall.SIGTERM)
	assert.Equal(t, "STOPPING=1\nSTATUS=ending", ofServer.hears(t))
	assert.Regexp(t, `^STATUS=[^\n]+$`, s.hears(t), "the tunnel is down, and it is known already how it began")
	client.stop(t, syscall.SIGTERM)

	client = h.start(t, l.client, notify, "connect", "--profile", "office")
	for said := ""; !strings.Contains(said, "X_ARC4_EXIT_STATUS"); {
		said = s.hears(t)
		if strings.HasPrefix(said, "STATUS=server") {
			assert.Regexp(t, `^STATUS=server .* refuses TCP connections: .*\nX_ARC4_EXIT_STATUS=4$`, said)
		}
	}
	assert.Equal(t, "READY=1", s.hears(t), "the boot does not wait for a server")
	client.stop(t, syscall.SIGTERM)
}

// TestE2EUnit has a double of systemctl run the profiles of /etc/arc4.
func TestE2EUnit(t *testing.T) {
	t.Parallel()
	m, h := newMachine(t, "client"), newHome(t)
	etc, bin := filepath.Join(t.TempDir(), "etc"), t.TempDir()
	m.ownDir(t, "/etc", etc)
	m.ownDir(t, "/var/log", t.TempDir())
	require.NoError(t, os.MkdirAll(filepath.Join(etc, "arc4"), 0o755))
	for _, name := range []string{"office", "a=b"} {
		require.NoError(t, os.WriteFile(filepath.Join(etc, "arc4", name+".toml"), []byte(officeProfile), 0o600))
	}
	called := filepath.Join(bin, "called")
	double := "#!/bin/sh\necho \"${0##*/} $*\" >>" + called + `
state=` + bin + `/state
case "${0##*/} $1" in
"systemctl start") if test -e ` + bin + `/real; then arc4 connect --profile office & echo $! >` + bin + `/main; wait; exit 1; fi
	if test -e ` + bin + `/bad; then echo "Job for arc4@office.service failed."; echo "See more."; exit 1; fi; echo active >$state ;;
"systemctl stop") rm -f $state; test ! -e ` + bin + `/main || kill "$(cat ` + bin + `/main)" ;;
"systemctl is-active") cat $state 2>/dev/null || { echo inactive; exit 3; } ;;
"systemctl is-failed") test -e ` + bin + `/bad ;;
"systemctl show") echo 3 ;;
"journalctl --unit=arc4@office.service") if test "$2" = --lines=20; then echo "arc4: the password was refused"; echo "systemd: exited"; else echo "the journal"; fi ;;
esac
`
	for _, name := range []string{"systemctl", "journalctl"} {
		labtest.WriteProgram(t, filepath.Join(bin, name), []byte(double))
	}
	does := func(code int, args ...string) string {
		p := h.start(t, m, []string{"PATH=" + bin + ":" + os.Getenv("PATH")}, args...)
		require.Equal(t, code, p.wait(t), "%q: %s", args, p.stderr.String())
		return p.stdout.String() + p.stderr.String()
	}
	calls := func() string {
		text, err := os.ReadFile(called)
		require.NoError(t, err)
		require.NoError(t, os.Remove(called))
		return string(text)
	}
	// Without systemd, and with one that has no such unit, it is the background.
	assert.Contains(t, does(exit.Network, "up", "office"), "cannot be reached")
	m.Must(t, func() error { return os.MkdirAll("/run/systemd/system", 0o755) })
	assert.Contains(t, does(exit.Network, "up", "office"), "cannot be reached")
	assert.NoFileExists(t, called)

	m.Must(t, func() error { return os.WriteFile("/run/systemd/system/arc4@.service", nil, 0o644) })
	assert.Equal(t, "office is up, as arc4@office.service\n", does(exit.OK, "up", "office"))
	assert.Equal(t, "systemctl start arc4@office.service\n", calls())
	assert.Equal(t, "the journal\n", does(exit.OK, "logs", "office", "-f"))
	assert.Equal(t, "journalctl --unit=arc4@office.service --no-hostname --follow\n", calls())
	assert.Equal(t, "office is down\n", does(exit.OK, "down", "office"))
	assert.Equal(t, "systemctl is-active arc4@office.service\nsystemctl stop arc4@office.service\n", calls())
	assert.Equal(t, "office is not up\n", does(exit.OK, "down", "office"))
	_ = calls()
	assert.Contains(t, does(exit.OK, "up", "office", "--no-wait"), "arc4@office.service is being started")
	assert.Equal(t, "systemctl start arc4@office.service --no-block\n", calls())
	// Systemd would wait for long while a service tries on.
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(bin, "arc4")))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "real"), nil, 0o644))
	assert.Regexp(t, `^arc4: office: server .* cannot be reached: .*; the log: "arc4 logs office"\n$`, does(exit.Network, "up", "office"))
	assert.Equal(t, "systemctl start arc4@office.service\nsystemctl stop arc4@office.service\n", calls())
	require.NoError(t, os.Remove(filepath.Join(bin, "real")))
	require.NoError(t, os.Remove(filepath.Join(bin, "main")))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "bad"), nil, 0o644))
	assert.Equal(t, "arc4: office: the password was refused; the log: \"arc4 logs office\"\n", does(exit.Auth, "up", "office"))
	assert.Regexp(t, `(?m)^office +failed `, does(exit.OK, "list"))
	_ = calls()
	// No unit can be called so.
	assert.Contains(t, does(exit.Network, "up", "a=b"), "cannot be reached")
	assert.NoFileExists(t, called)
}
