package serverroute

import (
	"fmt"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// namespace gives the network namespace of the calling thread: from /proc, or where there is none,
// as in a bare chroot, from a socket, which takes CAP_NET_ADMIN.
func namespace() (netns.NsHandle, error) {
	if where, err := netns.Get(); err == nil {
		return where, nil
	}
	return namespaceOfSocket()
}

func namespaceOfSocket() (netns.NsHandle, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return netns.None(), fmt.Errorf("a socket for the network namespace: %w", err)
	}
	defer unix.Close(socket)
	where, err := unix.IoctlRetInt(socket, unix.SIOCGSKNS)
	if err != nil {
		return netns.None(), fmt.Errorf("the network namespace of a socket: %w", err)
	}
	return netns.NsHandle(where), nil
}
