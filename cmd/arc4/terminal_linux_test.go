package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with a program on it. Its screen can be closed while it is read.
type terminal struct {
	keys   *os.File
	tty    *os.File
	screen record
	closed chan struct{}
}

// onTerminal gives a command a terminal of its own, as a login does. The three descriptors that are
// not set yet are on it.
func onTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	require.NoError(t, err)
	x := &terminal{keys: os.NewFile(uintptr(fd), "/dev/ptmx"), closed: make(chan struct{})}
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	x.tty = tty
	go func() {
		defer close(x.closed)
		for buf := make([]byte, 4096); ; {
			n, err := x.keys.Read(buf)
			_, _ = x.screen.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		x.close()
		_ = tty.Close()
	})
	cmd.Stdin, cmd.Stderr = tty, tty
	if cmd.Stdout == nil {
		cmd.Stdout = tty
	}
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
	return x
}

// close takes the terminal away.
func (x *terminal) close() {
	_ = x.keys.Close()
	<-x.closed
}

// typed sends keys.
func (x *terminal) typed(t *testing.T, keys string) {
	t.Helper()
	_, err := x.keys.WriteString(keys)
	require.NoError(t, err)
}

// waitScreen waits until a text is on the screen, times times.
func (x *terminal) waitScreen(t *testing.T, text string, times int) {
	t.Helper()
	waitFor(t, fmt.Sprintf("%q on the terminal", text), func() error {
		if n := strings.Count(x.screen.String(), text); n < times {
			return fmt.Errorf("seen %d times in %q", n, x.screen.String())
		}
		return nil
	})
}

// echoes reports whether the terminal shows what is typed, as it does outside of a password.
func (x *terminal) echoes(t *testing.T) bool {
	t.Helper()
	var flags *unix.Termios
	raw, err := x.keys.SyscallConn()
	require.NoError(t, err)
	var got error
	require.NoError(t, raw.Control(func(fd uintptr) { flags, got = unix.IoctlGetTermios(int(fd), unix.TCGETS) }))
	require.NoError(t, got)
	return flags.Lflag&unix.ECHO != 0
}

// waiting reads the line that was typed for whoever reads the terminal next.
func (x *terminal) waiting(t *testing.T) string {
	t.Helper()
	buf := make([]byte, 4096)
	n, err := x.tty.Read(buf)
	require.NoError(t, err)
	return string(buf[:n])
}
