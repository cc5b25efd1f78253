//go:build linux || darwin || freebsd

package status

import "net"

// peerUID asks the kernel which user is at the other end.
func peerUID(conn *net.UnixConn) (uid int, known bool, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, false, err
	}
	var credErr error
	if err := raw.Control(func(fd uintptr) { uid, credErr = socketUID(int(fd)) }); err != nil {
		return 0, false, err
	}
	return uid, credErr == nil, credErr
}
