package gre

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/uplink"
)

// Listen opens a raw IPPROTO_GRE socket on local, an IPv4 address of this machine. It receives
// every PPTP packet sent to local, and what it sends comes from local. The unspecified address is
// allowed, but then the system chooses the source address by its routes, which need not be the one
// a peer knows us by: a server opens one Conn for each local address on which a control connection
// was accepted, and demultiplexes by peer address and call ID.
//
// Open it before the call is set up: without a raw socket the system answers the peer's first
// packet with an ICMP protocol unreachable.
func Listen(local netip.Addr, opts Options) (Conn, error) {
	local, peer, err := checkAddresses(local, opts.Peer)
	if err != nil {
		return nil, err
	}
	if err := checkReaders(opts.Readers); err != nil {
		return nil, err
	}
	of := max(1, opts.Readers)
	c, err := listenShare(local, peer, opts, share{0, of})
	if err != nil {
		return nil, err
	}
	for i := 1; i < of; i++ {
		other, err := listenShare(local, peer, opts, share{i, of})
		if err != nil {
			_ = c.Close()
			return nil, err
		}
		c.others = append(c.others, other)
	}
	c.openUplink(opts)
	if opts.Carry != nil {
		c.letGo = opts.Carry(c.leaveBy)
	}
	return c, nil
}

// listenShare opens one socket.
func listenShare(local, peer netip.Addr, opts Options, part share) (*rawConn, error) {
	fd, err := openRaw(local)
	if err != nil {
		return nil, openError(local, err)
	}
	c := &rawConn{fd: fd, local: local, peer: peer, part: part}
	if err := c.setOptions(opts); err != nil {
		_ = unix.Close(fd)
		return nil, openError(local, err)
	}
	c.reader.init(c)
	return c, nil
}

// openRaw opens the socket, in blocking mode and unknown to Go's poller: a poller is told of every
// packet that arrives, by the sender's side, while somebody who waits in the system call itself is
// told only when he waits.
func openRaw(local netip.Addr) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_GRE)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: local.As4()}); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// openUplink looks for faster ways to send than the socket; without any it serves alone.
func (c *rawConn) openUplink(opts Options) {
	switch {
	case opts.IO == uplink.Raw:
		c.noUp = cmp.Or(opts.RawWhy, "it was asked for")
		return
	case c.local.IsUnspecified():
		c.noUp = "no local address was given"
		return
	}
	var err error
	c.up, err = uplink.Open(uplink.Config{Local: c.local, Mode: opts.IO, Frames: opts.Frames, Mark: opts.Mark, Log: opts.logger()})
	if err != nil {
		c.noUp = err.Error()
	}
}

func (c *rawConn) setOptions(opts Options) error {
	if err := c.attach(filter(c.peer, c.part)); err != nil {
		return err
	}
	setBuffer(c.fd, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, cmp.Or(opts.RecvBuffer, DefaultBuffer))
	setBuffer(c.fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, cmp.Or(opts.SendBuffer, DefaultBuffer))
	if opts.Mark != 0 {
		if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_MARK, int(opts.Mark)); err != nil {
			return fmt.Errorf("marking what is sent with %#x: %w", opts.Mark, err)
		}
	}
	// The network may fragment what exceeds the path, which loses nothing but speed.
	return unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
}

// attach makes a packet filter the socket's, in place of the one it has.
func (c *rawConn) attach(program []bpf.RawInstruction) error {
	filter := make([]unix.SockFilter, len(program))
	for i, r := range program {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return unix.SetsockoptSockFprog(c.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}

// acceptCalls is AcceptCalls.
func (c *rawConn) acceptCalls(ids []uint16) error {
	for _, other := range c.others {
		if err := other.acceptCalls(ids); err != nil {
			return err
		}
	}
	c.life.RLock()
	defer c.life.RUnlock()
	if c.over {
		return net.ErrClosed
	}
	return c.attach(filter(c.peer, c.part, ids...))
}

// leaveBy is what Options.Carry is given.
func (c *rawConn) leaveBy(ifindex int) error {
	c.life.RLock()
	defer c.life.RUnlock()
	if c.over {
		return net.ErrClosed
	}
	if c.up != nil {
		c.up.LeaveBy(ifindex)
	}
	// In network byte order (ip(7), IP_UNICAST_IF).
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(ifindex))
	return unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_UNICAST_IF, int(int32(binary.NativeEndian.Uint32(b[:]))))
}

// setBuffer raises a socket buffer. A smaller one than asked for costs packets, not correctness, so
// a refusal is not an error.
func setBuffer(fd, force, polite, size int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, polite, size)
	}
}

// drops asks the system how many packets did not fit in the receive buffer (SO_MEMINFO,
// linux/sock_diag.h).
func (c *rawConn) drops() uint64 {
	const memInfoDrops, memInfoVars = 8, 9
	var info [memInfoVars]uint32
	size := uint32(unsafe.Sizeof(info))
	c.life.RLock()
	defer c.life.RUnlock()
	if c.over {
		return 0
	}
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(c.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0
	}
	return uint64(info[memInfoDrops])
}
