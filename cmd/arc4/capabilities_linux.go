package main

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// raiseCapabilities puts those of the two that this process is permitted into effect. A file whose
// capability is in effect by itself (setcap +ep) cannot be executed at all where it is not to be
// had, as CAP_NET_ADMIN in most containers; one that is permitted alone (+p) can, and is then
// without. What cannot be raised is told as missing when it is needed.
func raiseCapabilities() {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return
	}
	const ours = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW
	before := data[0].Effective
	if data[0].Effective |= data[0].Permitted & ours; data[0].Effective != before {
		_, _, _ = syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	}
}
