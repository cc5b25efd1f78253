package gre

import (
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/tunnel/gre/uplink"
)

// Listen opens a raw IPPROTO_GRE socket on local, an IPv4 address of this machine. It receives every PPTP packet
// sent to local, and what it sends comes from local. The unspecified address is allowed, but then the system
// chooses the source address by its routes, which need not be the one a peer knows us by: a server opens one
// Conn for each local address on which a control connection was accepted, and demultiplexes by peer address and
// call ID.
//
// Open it before the call is set up: without a raw socket the system answers the peer's first packet
// with an ICMP protocol unreachable.
func Listen(local netip.Addr, opts Options) (Conn, error) {
	local, peer, err := checkAddresses(local, opts.Peer)
	if err != nil {
		return nil, err
	}
	pc, err := net.ListenPacket("ip4:47", local.String())
	if err != nil {
		return nil, openError(local, err)
	}
	ip := pc.(*net.IPConn)
	c := &rawConn{ip: ip, local: local, peer: peer}
	if c.raw, err = ip.SyscallConn(); err == nil {
		err = c.setOptions(opts)
	}
	if err != nil {
		_ = ip.Close()
		return nil, openError(local, err)
	}
	c.reader.init(c)
	c.openUplink(opts)
	return c, nil
}

// openUplink looks for faster ways to send than the socket; without any it serves alone.
func (c *rawConn) openUplink(opts Options) {
	switch {
	case opts.IO == uplink.Raw:
		c.noUp = "it was asked for"
		return
	case c.local.IsUnspecified():
		c.noUp = "no local address was given"
		return
	}
	var err error
	c.up, err = uplink.Open(uplink.Config{Local: c.local, Mode: opts.IO, DontFragment: opts.DontFragment, Log: opts.logger()})
	if err != nil {
		c.noUp = err.Error()
	}
}

func (c *rawConn) setOptions(opts Options) error {
	program, err := bpf.Assemble(filter(c.peer))
	if err != nil {
		return err
	}
	if err := ipv4.NewPacketConn(c.ip).SetBPF(program); err != nil {
		return err
	}
	discover := unix.IP_PMTUDISC_DONT
	if opts.DontFragment {
		discover = unix.IP_PMTUDISC_DO
	}
	var operr error
	err = c.raw.Control(func(fd uintptr) {
		setBuffer(int(fd), unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, opts.RecvBuffer)
		setBuffer(int(fd), unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, opts.SendBuffer)
		operr = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, discover)
	})
	if err != nil {
		return err
	}
	return operr
}

// setBuffer raises a socket buffer. A smaller one than asked for costs packets, not correctness, so a refusal
// is not an error.
func setBuffer(fd, force, polite, size int) {
	if size <= 0 {
		size = DefaultBuffer
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, polite, size)
	}
}

// drops asks the system how many packets did not fit in the receive buffer (SO_MEMINFO, linux/sock_diag.h).
func (c *rawConn) drops() uint64 {
	const memInfoDrops, memInfoVars = 8, 9
	var info [memInfoVars]uint32
	size := uint32(unsafe.Sizeof(info))
	var errno syscall.Errno
	err := c.raw.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	})
	if err != nil || errno != 0 {
		return 0
	}
	return uint64(info[memInfoDrops])
}
