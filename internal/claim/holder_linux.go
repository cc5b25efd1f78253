package claim

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Everybody may bind a name of the abstract namespace. So a user without rights could take that of
// a run that was killed, and keep what it has left for good: rules, routes, a kill switch.

// mayHold reports whether who answers can be a process of this program that has changed something
// here: that takes CAP_NET_ADMIN. What cannot be told counts as one.
func mayHold(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	var who *unix.Ucred
	err = errors.Join(raw.Control(func(fd uintptr) {
		who, _ = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}))
	switch {
	case err != nil || who == nil:
		return true
	case who.Uid == 0 || int(who.Uid) == os.Geteuid():
		return true
	case who.Pid == 0:
		return true // it is in a container that this process does not see into
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", who.Pid))
	if errors.Is(err, fs.ErrNotExist) {
		// Or /proc hides it, as in a unit of systemd's with ProtectProc=invisible.
		return !errors.Is(unix.Kill(int(who.Pid), 0), unix.ESRCH)
	}
	if err != nil {
		return true
	}
	return isNetAdmin(status) && !isStranger(int(who.Pid))
}

// isNetAdmin reports whether the capabilities in a process's status hold CAP_NET_ADMIN.
func isNetAdmin(status []byte) bool {
	for line := range bytes.Lines(status) {
		if text, is := bytes.CutPrefix(line, []byte("CapEff:")); is {
			all, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 16, 64)
			return err != nil || all>>unix.CAP_NET_ADMIN&1 != 0
		}
	}
	return true
}

// isStranger reports whether the capabilities of a process are worth nothing in this network
// namespace, for they are those of another user namespace than its owner's and this process's.
func isStranger(pid int) bool {
	theirs, err := os.Stat(fmt.Sprintf("/proc/%d/ns/user", pid))
	if err != nil {
		return false
	}
	if ours, err := os.Stat("/proc/self/ns/user"); err != nil || os.SameFile(ours, theirs) {
		return false
	}
	network, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return false
	}
	defer network.Close()
	owner, err := unix.IoctlRetInt(int(network.Fd()), unix.NS_GET_USERNS)
	if err != nil {
		return false
	}
	f := os.NewFile(uintptr(owner), "user")
	defer f.Close()
	owns, err := f.Stat()
	return err == nil && !os.SameFile(owns, theirs)
}
