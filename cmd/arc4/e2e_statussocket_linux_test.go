package main

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestE2ENoRoomForTheStatusSocket: a tunnel matters more than its status, whatever is wrong with
// the disk. What is wrong with the path, the user hears at the start.
func TestE2ENoRoomForTheStatusSocket(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.server.Must(t, func() error {
		for name, options := range map[string]string{"/run/full": "nr_inodes=1", "/run/closed": "ro"} {
			flags := uintptr(0)
			if options == "ro" {
				flags, options = unix.MS_RDONLY, ""
			}
			if err := os.Mkdir(name, 0o700); err != nil {
				return err
			}
			if err := unix.Mount("tmpfs", name, "tmpfs", flags, options); err != nil {
				return err
			}
		}
		return nil
	})
	for path, why := range map[string]string{"/run/full/serve.sock": "no space left", "/run/closed/serve.sock": "read-only"} {
		server := l.serve(t, "--status-socket", path)
		server.waitLog(t, "no status socket.*"+why, 1)
		l.connect(t).up(t).stop(t, syscall.SIGTERM)
		server.stop(t, syscall.SIGTERM)
	}
	// The default place.
	l.server.Must(t, func() error { return unix.Mount("", "/run", "", unix.MS_REMOUNT|unix.MS_RDONLY, "") })
	server := l.serve(t)
	server.waitLog(t, "no status socket.*read-only", 1)
	server.stop(t, syscall.SIGTERM)

	file := secretsFile(t, "")
	last := l.server.start(t, serveArgs(secretsFile(t, twoUsers), "--status-socket", file)...).fails(t, exit.Failure)
	assert.Contains(t, last, "a file that is no socket has this name")
	require.FileExists(t, file)
}

// TestE2EStatusOfTheService: root finds the socket of the packages' arc4-serve.service, beside its
// own.
func TestE2EStatusOfTheService(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t, "--status-socket", "/run/arc4-serve/serve.sock")
	p := l.server.start(t, "status")
	require.Equal(t, exit.OK, p.wait(t), p.stderr.String())
	assert.Contains(t, p.stdout.String(), "server ")
}
