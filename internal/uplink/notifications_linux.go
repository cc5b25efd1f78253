package uplink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// change is one change that the kernel has reported.
type change struct {
	kind      changeKind
	prefix    netip.Prefix // of a route
	link      int          // of a neighbour or link
	addr      netip.Addr   // of a neighbour
	neighbour neighbourFacts
}

type changeKind int

const (
	nothing    changeKind = iota
	everything            // an address, a rule, a policy, a queueing discipline, or notifications that were lost
	aRoute
	aNeighbour
	aLink
)

// groups of NETLINK_ROUTE that say what a path rests on.
var groups = []uint{unix.RTNLGRP_LINK, unix.RTNLGRP_NEIGH, unix.RTNLGRP_TC, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV4_RULE}

const xfrmPolicyGroup = 4 // XFRMNLGRP_POLICY, linux/xfrm.h

// subscribe opens a netlink socket that hears the groups, in the thread's network namespace.
func subscribe(protocol int, groups ...uint) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, err
	}
	address := &unix.SockaddrNetlink{Family: unix.AF_NETLINK}
	for _, g := range groups {
		address.Groups |= 1 << (g - 1)
	}
	if err := unix.Bind(fd, address); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "netlink"), nil
}

// openNotifications subscribes to all that paths rest on. IPsec's may be missing where the kernel
// has none, or does not let us hear it; what cannot be listed either is judged elsewhere.
func openNotifications() ([]*os.File, error) {
	routes, err := subscribe(unix.NETLINK_ROUTE, groups...)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	files := []*os.File{routes}
	if policies, err := subscribe(unix.NETLINK_XFRM, xfrmPolicyGroup); err == nil {
		files = append(files, policies)
	}
	return files, nil
}

// listen reads a subscription until it is closed.
func listen(f *os.File, ours bool, tell func(change)) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 1<<16)
	for {
		var n int
		var from unix.Sockaddr
		var failure error
		if err := raw.Read(func(fd uintptr) bool {
			n, from, failure = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
			return failure != unix.EAGAIN && failure != unix.EINTR
		}); err != nil {
			return
		}
		switch sender, _ := from.(*unix.SockaddrNetlink); {
		case errors.Is(failure, unix.ENOBUFS):
			tell(change{kind: everything})
		case failure != nil:
			return
		case sender == nil || sender.Pid != 0:
			// Other programs can send to a netlink socket too.
		case !ours:
			tell(change{kind: everything})
		default:
			parseNotifications(buf[:n], tell)
		}
	}
}

// parseNotifications reads the messages of one datagram of NETLINK_ROUTE (struct nlmsghdr,
// linux/netlink.h).
func parseNotifications(b []byte, tell func(change)) {
	for len(b) >= unix.NLMSG_HDRLEN {
		length := int(binary.NativeEndian.Uint32(b))
		if length < unix.NLMSG_HDRLEN || length > len(b) {
			return
		}
		if n := parseMessage(binary.NativeEndian.Uint16(b[4:]), b[unix.NLMSG_HDRLEN:length]); n.kind != nothing {
			tell(n)
		}
		b = b[min(align(length), len(b)):]
	}
}

func align(n int) int { return (n + 3) &^ 3 }

// parseMessage reads one message without its header.
func parseMessage(kind uint16, b []byte) change {
	switch kind {
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		if len(b) < unix.SizeofRtMsg || b[0] != unix.AF_INET {
			return change{}
		}
		destination := netip.IPv4Unspecified()
		if a, ok := netip.AddrFromSlice(attribute(b[unix.SizeofRtMsg:], unix.RTA_DST)); ok {
			destination = a
		}
		p, err := destination.Prefix(int(b[1]))
		if err != nil {
			return change{kind: everything}
		}
		return change{kind: aRoute, prefix: p}
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		return parseNeighbour(kind == unix.RTM_DELNEIGH, b)
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		if len(b) < unix.SizeofIfInfomsg {
			return change{}
		}
		return change{kind: aLink, link: int(binary.NativeEndian.Uint32(b[4:]))}
	case unix.RTM_NEWADDR, unix.RTM_DELADDR, unix.RTM_NEWRULE, unix.RTM_DELRULE,
		unix.RTM_NEWQDISC, unix.RTM_DELQDISC, unix.RTM_NEWTFILTER, unix.RTM_DELTFILTER:
		return change{kind: everything}
	}
	return change{}
}

// parseNeighbour reads struct ndmsg (linux/neighbour.h) and its attributes.
func parseNeighbour(gone bool, b []byte) change {
	if len(b) < unix.SizeofNdMsg || b[0] != unix.AF_INET {
		return change{}
	}
	a, ok := netip.AddrFromSlice(attribute(b[unix.SizeofNdMsg:], unix.NDA_DST))
	if !ok {
		return change{}
	}
	n := change{kind: aNeighbour, link: int(binary.NativeEndian.Uint32(b[4:])), addr: a.Unmap()}
	if !gone {
		n.neighbour = factsOfNeighbour(int(binary.NativeEndian.Uint16(b[8:])), attribute(b[unix.SizeofNdMsg:], unix.NDA_LLADDR))
	}
	return n
}

// attribute finds one (struct rtattr, linux/rtnetlink.h); nil if it is not there.
func attribute(b []byte, kind uint16) []byte {
	for len(b) >= syscall.SizeofRtAttr {
		length := int(binary.NativeEndian.Uint16(b))
		if length < syscall.SizeofRtAttr || length > len(b) {
			return nil
		}
		if binary.NativeEndian.Uint16(b[2:]) == kind {
			return b[syscall.SizeofRtAttr:length]
		}
		b = b[min(align(length), len(b)):]
	}
	return nil
}
