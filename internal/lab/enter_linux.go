package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideEnv marks a process that Enter has started.
const insideEnv = "ARC4_LAB_INSIDE"

// Enter makes kernel mode possible for a process that lacks the rights over
// network namespaces: it runs this program once more, with the same arguments and
// standard streams, inside a user namespace of its own, where it has them. Then
// done is true and code the exit code of that run, with which the caller ends.
//
// Otherwise the caller goes on: in kernel mode, or, when why says what stands in
// the way of that, in userspace mode.
func Enter(ctx context.Context) (done bool, code int, why string) {
	if err := tunUsable(); err != nil {
		return false, 0, err.Error()
	}
	if capable(unix.CAP_SYS_ADMIN) && capable(unix.CAP_NET_ADMIN) && capable(unix.CAP_NET_RAW) {
		return false, 0, ""
	}
	if os.Getenv(insideEnv) != "" {
		return false, 0, "this system gives user namespaces no rights over the network"
	}
	code, err := runInside(ctx)
	if err != nil {
		return false, 0, fmt.Sprintf("not root, and no user namespace to be had: %v", err)
	}
	return true, code, ""
}

// tunUsable says why the TUN device cannot be opened.
func tunUsable() error {
	const name = "/dev/net/tun"
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot open %s: %w", name, err)
	}
	return unix.Close(fd)
}

// capable reports whether this thread has a capability in effect.
func capable(capability int) bool {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&hdr, &data[0]) != nil {
		return false
	}
	return data[capability/32].Effective&(1<<(capability%32)) != 0
}

// runInside runs this program as root of a new user namespace, and waits for it.
// The error is that it could not be started.
func runInside(ctx context.Context) (code int, err error) {
	// The child dies with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = os.Args
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		// In a group of its own it hears of Ctrl-C from us alone, and once: the second signal would
		// kill it.
		Setpgid:   true,
		Pdeathsig: syscall.SIGKILL,
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode(), nil
	case err != nil && cmd.ProcessState == nil:
		return 0, err
	case err != nil:
		return 1, nil // ended by a signal, or ctx ended it after success
	}
	return 0, nil
}
