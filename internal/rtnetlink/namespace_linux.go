package rtnetlink

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Namespace is a network namespace (network_namespaces(7)), which stays as long as it is held.
type Namespace struct{ fd int }

// ThisNamespace is that of the calling thread: from /proc, or where there is none, as in a bare
// chroot, from a socket, which takes CAP_NET_ADMIN.
func ThisNamespace() (Namespace, error) {
	fd, err := unix.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return namespaceOfSocket()
	}
	return Namespace{fd}, nil
}

func namespaceOfSocket() (Namespace, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return Namespace{}, fmt.Errorf("a socket for the network namespace: %w", err)
	}
	defer unix.Close(socket)
	fd, err := unix.IoctlRetInt(socket, unix.SIOCGSKNS)
	if err != nil {
		return Namespace{}, fmt.Errorf("the network namespace of a socket: %w", err)
	}
	return Namespace{fd}, nil
}

// Equal reports whether both are the same one.
func (n Namespace) Equal(other Namespace) bool {
	var a, b unix.Stat_t
	return unix.Fstat(n.fd, &a) == nil && unix.Fstat(other.fd, &b) == nil && a.Dev == b.Dev && a.Ino == b.Ino
}

// Enter moves the calling thread there, which takes CAP_SYS_ADMIN.
func (n Namespace) Enter() error {
	if err := unix.Setns(n.fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter a network namespace: %w", err)
	}
	return nil
}

// Close lets go of it.
func (n Namespace) Close() { _ = unix.Close(n.fd) }
