package status

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

const nobody = 65534

// asNobody runs f on a thread of its own that is user nobody, and ends the thread.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		labtest.Skip(t, "becoming another user needs root, this is uid %d", os.Geteuid())
	}
	done := make(chan unix.Errno)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody)
		if errno == 0 {
			f()
		}
		done <- errno
	}()
	require.Zero(t, <-done)
}

// rawAsk connects and asks on the calling thread, so as its user.
func rawAsk(path string) (string, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return "", err
	}
	conn := os.NewFile(uintptr(fd), path)
	defer conn.Close()
	_, _ = io.WriteString(conn, request+"\n") // the server may have hung up
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

func TestAnotherUserIsRefused(t *testing.T) {
	path, _ := serve(t, example)
	var err error
	asNobody(t, func() { _, err = rawAsk(path) })
	require.ErrorIs(t, err, unix.EACCES, "the modes keep others out")

	// And where the modes do not, the kernel's word on who connects does.
	for dir := filepath.Dir(path); len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	require.NoError(t, os.Chmod(path, 0o666))
	var answer string
	asNobody(t, func() { answer, _ = rawAsk(path) })
	assert.Contains(t, answer, "uid 65534 may not ask")
	assert.NotContains(t, answer, "alice")
	_, err = Fetch(context.Background(), path)
	require.NoError(t, err)
}
