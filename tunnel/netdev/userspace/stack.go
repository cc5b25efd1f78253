package userspace

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// Stack is a TCP/IP stack in this process, whose only way out is its device.
type Stack struct{ inner *stack.Stack }

// nicID names the stack's only interface.
const nicID = 1

func newStack(nic *nic, local []netip.Addr) (_ *Stack, err error) {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
		HandleLocal:        true,
	})
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	sack := tcpip.TCPSACKEnabled(true) // off unless asked for; a lossy link needs it
	if err := s.SetTransportProtocolOption(tcp.ProtocolNumber, &sack); err != nil {
		return nil, fmt.Errorf("selective acknowledgments: %v", err)
	}
	if err := s.CreateNIC(nicID, nic); err != nil {
		return nil, fmt.Errorf("interface: %v", err)
	}
	for _, addr := range local {
		protocol, everywhere := ipv4.ProtocolNumber, header.IPv4EmptySubnet
		if addr.Is6() {
			protocol, everywhere = ipv6.ProtocolNumber, header.IPv6EmptySubnet
		}
		if err := s.AddProtocolAddress(nicID, tcpip.ProtocolAddress{
			Protocol: protocol, AddressWithPrefix: tcpip.AddrFromSlice(addr.AsSlice()).WithPrefix(),
		}, stack.AddressProperties{}); err != nil {
			return nil, fmt.Errorf("address %v: %v", addr, err)
		}
		s.AddRoute(tcpip.Route{Destination: everywhere, NIC: nicID})
	}
	return &Stack{s}, nil
}

// close ends all connections, and takes the interface away.
func (s *Stack) close() {
	s.inner.RemoveNIC(nicID)
	s.inner.Close()
}

// DialTCP connects to an address and port. Its errors are the system's where the system has them,
// such as syscall.ECONNREFUSED.
func (s *Stack) DialTCP(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	full, protocol := address(to)
	conn, err := gonet.DialContextTCP(ctx, s.inner, full, protocol)
	if err != nil {
		return nil, asSystem(err) // not conn: a nil *TCPConn would make an interface that is not nil
	}
	return conn, nil
}

// ListenTCP listens on one of the stack's addresses; port 0 stands for any free port.
func (s *Stack) ListenTCP(at netip.AddrPort) (net.Listener, error) {
	full, protocol := address(at)
	listener, err := gonet.ListenTCP(s.inner, full, protocol)
	if err != nil {
		return nil, asSystem(err)
	}
	return listener, nil
}

// ListenUDP takes and sends datagrams at one of the stack's addresses; port 0 stands for
// any free port.
func (s *Stack) ListenUDP(at netip.AddrPort) (net.PacketConn, error) {
	full, protocol := address(at)
	conn, err := gonet.DialUDP(s.inner, &full, nil, protocol)
	if err != nil {
		return nil, asSystem(err)
	}
	return conn, nil
}

// DialUDP takes datagrams from one address and port alone, and sends there.
func (s *Stack) DialUDP(to netip.AddrPort) (net.Conn, error) {
	full, protocol := address(to)
	conn, err := gonet.DialUDP(s.inner, nil, &full, protocol)
	if err != nil {
		return nil, asSystem(err)
	}
	return conn, nil
}

func address(a netip.AddrPort) (tcpip.FullAddress, tcpip.NetworkProtocolNumber) {
	addr, protocol := a.Addr().Unmap(), ipv4.ProtocolNumber
	if addr.Is6() {
		protocol = ipv6.ProtocolNumber
	}
	return tcpip.FullAddress{NIC: nicID, Addr: tcpip.AddrFromSlice(addr.AsSlice()), Port: a.Port()}, protocol
}
