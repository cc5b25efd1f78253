package rtnetlink

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Subscription hears of changes. It belongs to the network namespace of the thread that made it.
type Subscription struct {
	file *os.File
	raw  syscall.RawConn
}

// Subscribe joins groups (unix.RTNLGRP_LINK, ...).
func Subscribe(groups ...uint) (*Subscription, error) {
	return subscribe(unix.NETLINK_ROUTE, groups)
}

const xfrmPolicyGroup = 4 // XFRMNLGRP_POLICY, linux/xfrm.h

// SubscribeXFRM hears of changes to IPsec's policies.
func SubscribeXFRM() (*Subscription, error) {
	return subscribe(unix.NETLINK_XFRM, []uint{xfrmPolicyGroup})
}

// SubscribeNFTables hears of changes to the rule set of nftables.
func SubscribeNFTables() (*Subscription, error) {
	return subscribe(unix.NETLINK_NETFILTER, []uint{unix.NFNLGRP_NFTABLES})
}

func subscribe(protocol int, groups []uint) (*Subscription, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	address := &unix.SockaddrNetlink{Family: unix.AF_NETLINK}
	for _, g := range groups {
		address.Groups |= 1 << (g - 1)
	}
	if err := unix.Bind(fd, address); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("subscribe to netlink: %w", err)
	}
	s := &Subscription{file: os.NewFile(uintptr(fd), "netlink")}
	if s.raw, err = s.file.SyscallConn(); err != nil {
		_ = s.file.Close()
		return nil, err
	}
	return s, nil
}

// Close ends it.
func (s *Subscription) Close() { _ = s.file.Close() }

// longest is more than any notification has, in bytes.
const longest = 16 << 10

// Listen tells of changes until the subscription is closed (os.ErrClosed), or fails. Whenever more
// has changed than the socket holds (ENOBUFS), or what comes cannot be read, lost is called, and
// it goes on: what has changed must be asked for then.
func (s *Subscription) Listen(tell func(Notification), lost func(error)) error {
	buf := make([]byte, longest)
	for {
		var n int
		var from unix.Sockaddr
		var failure error
		if err := s.raw.Read(func(fd uintptr) bool {
			n, from, failure = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
			return failure != unix.EAGAIN && failure != unix.EINTR
		}); err != nil {
			return os.ErrClosed // there is no deadline
		}
		switch sender, _ := from.(*unix.SockaddrNetlink); {
		case errors.Is(failure, unix.ENOBUFS):
			lost(failure)
		case failure != nil:
			return failure
		case sender == nil || sender.Pid != 0:
			// Other programs can send to a netlink socket too.
		case n > len(buf):
			lost(unix.EMSGSIZE)
		default:
			if err := ParseNotifications(buf[:n], tell); err != nil {
				lost(err)
			}
		}
	}
}

// Notification is one change. What it holds is the listener's until it returns.
type Notification struct {
	Type uint16 // unix.RTM_NEWROUTE, RTM_DELROUTE, ...
	body []byte
}

// ParseNotifications reads a datagram of the kernel's.
func ParseNotifications(b []byte, tell func(Notification)) error {
	return eachMessage(b, func(m message) error {
		tell(Notification{m.kind, m.body})
		return nil
	})
}

// Route is that of RTM_NEWROUTE or RTM_DELROUTE. An error: it cannot be read, or is no IP route.
func (n Notification) Route() (Route, error) { return parseRoute(n.body) }

// Link is that of RTM_NEWLINK or RTM_DELLINK.
func (n Notification) Link() (Link, error) { return parseLink(n.body) }

// Address is that of RTM_NEWADDR or RTM_DELADDR.
func (n Notification) Address() (Address, error) { return parseAddress(n.body) }

// Neighbour is that of RTM_NEWNEIGH or RTM_DELNEIGH.
func (n Notification) Neighbour() (Neighbour, error) { return parseNeighbour(n.body) }
