package rtnetlink

import "golang.org/x/sys/unix"

// For the tests that need the laboratory, which needs this package.

var NamespaceOfSocket = namespaceOfSocket

func NamespaceOf(fd int) Namespace { return Namespace{fd} }

// ForgedLink is a message about an interface that there is not, as an answer to the second question
// of a connection would be.
func ForgedLink(name string) []byte {
	r := newRequest(unix.RTM_NEWLINK, 0, infomsg(99, 0, 0))
	r.name(unix.IFLA_IFNAME, name)
	r.finish(2)
	return r
}

// Port is the address of a socket among those of netlink.
func (c *Conn) Port() uint32 { return portOf(c.socket.fd) }

func (s *Subscription) Port() (port uint32) {
	_ = s.raw.Control(func(fd uintptr) { port = portOf(int(fd)) })
	return port
}

func portOf(fd int) uint32 {
	address, err := unix.Getsockname(fd)
	if err != nil {
		panic(err)
	}
	return address.(*unix.SockaddrNetlink).Pid
}
