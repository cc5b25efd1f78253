package netstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// ErrRefused is what comes of an address that no tunnel leads to: of this machine itself, or of
// many.
var ErrRefused = errors.New("refused")

// DialContext connects to HOST:PORT through the tunnel, as net.Dialer.DialContext does: network is
// tcp, tcp4, tcp6, udp, udp4 or udp6. A name is looked up through the tunnel, and its addresses are
// tried one after the other. Connections of TCP have CloseWrite besides.
//
// Its errors: ErrDown; ErrRefused; ErrNoNameServer and *net.DNSError of names; of the connection
// those of the system, such as syscall.ECONNREFUSED; and those of the context.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	transport, family, err := splitNetwork(network)
	if err != nil {
		return nil, err
	}
	host, port, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	addrs, err := d.LookupNetIP(ctx, "ip"+family, host)
	if err != nil {
		return nil, err
	}
	s, err := d.current(ctx)
	if err != nil {
		return nil, err
	}
	var errs []error
	for i, addr := range addrs {
		to := netip.AddrPortFrom(addr, port)
		if err := s.reaches(addr); err != nil {
			errs = append(errs, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: err})
			continue
		}
		conn, err := d.dialOne(ctx, s, transport, to, len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// dialOne connects to one of the addresses that are left to try, and leaves time for the others.
func (d *Dialer) dialOne(ctx context.Context, s *stack, transport string, to netip.AddrPort, left int) (net.Conn, error) {
	if transport == "udp" {
		conn, err := s.DialUDP(to)
		if err != nil {
			return nil, err
		}
		return conn, nil
	}
	if deadline, has := ctx.Deadline(); has && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	release := d.another(s)
	conn, err := s.DialTCP(ctx, to)
	if err != nil {
		release()
		return nil, err
	}
	return &tcpConn{Conn: conn, release: release}, nil
}

// splitNetwork takes a name of package net's apart.
func splitNetwork(network string) (transport, family string, err error) {
	transport = strings.TrimRight(network, "46")
	family = network[len(transport):]
	if transport != "tcp" && transport != "udp" || len(family) > 1 {
		return "", "", net.UnknownNetworkError(network)
	}
	return transport, family, nil
}

// splitAddress reads HOST:PORT.
func splitAddress(address string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, &net.AddrError{Err: "the port is no number of 0 to 65535", Addr: address}
	}
	return host, uint16(n), nil
}

// reaches is why nothing goes to an address through the tunnel; nil: it may.
func (s *stack) reaches(a netip.Addr) error {
	switch {
	case !a.Is6():
		if ruling, _ := netdev.Judge(netdev.Given{Local: a}, netdev.Surroundings{}); ruling.Verdict == netdev.Refused {
			return fmt.Errorf("%w: %s is %s", ErrRefused, a, ruling.Reason)
		}
	case a.IsLoopback() || a.IsUnspecified() || a.IsMulticast():
		return fmt.Errorf("%w: %s is this machine itself, or many", ErrRefused, a)
	case !s.network.LocalIPv6.IsValid():
		return fmt.Errorf("there is no IPv6 in the tunnel: %w", syscall.ENETUNREACH)
	}
	return nil
}

// another counts a TCP connection that is about to be opened, and gives it its window.
func (d *Dialer) another(s *stack) (release func()) {
	d.mu.Lock()
	window := windowFor(d.open, d.small)
	d.open++
	d.mu.Unlock()
	if err := s.SetWindow(window); err != nil {
		d.log.Debug("a connection's window", "error", err)
	}
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.open--
	})
}

// windowFor is the largest TCP window of the next connection, in bytes, when so many are open. The
// stack holds up to four times as much for a connection that is not read at one end and not at the
// other: the first few have what a fast link needs, and many together no more than a machine has.
func windowFor(open int, small bool) int {
	const kib = 1 << 10
	switch {
	case small && open < 4:
		return 128 * kib
	case small:
		return 16 * kib
	case open < 16:
		return 1024 * kib
	case open < 128:
		return 256 * kib
	}
	return 64 * kib
}

// tcpConn is a connection that is counted until it is closed.
type tcpConn struct {
	net.Conn
	release func()
}

func (c *tcpConn) Close() error {
	c.release()
	return c.Conn.Close()
}

// CloseWrite sends the end of what is written; reading goes on.
func (c *tcpConn) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}
