//go:build !linux && !darwin && !freebsd

package status

import "net"

// peerUID does not know: on this system the modes of socket and directory decide alone.
func peerUID(*net.UnixConn) (uid int, known bool, err error) { return 0, false, nil }
