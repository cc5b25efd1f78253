package main

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with a program on it. Its screen can be closed while it is read.
type terminal struct {
	keys   *os.File
	screen record
	closed chan struct{}
}

// onTerminal gives a command a terminal of its own, as a login does. The three descriptors that are not set yet are on it.
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
