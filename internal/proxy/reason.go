package proxy

import (
	"context"
	"errors"
	"net"
	"syscall"

	"github.com/arc4tun/arc4tun/internal/socks5"
	"github.com/arc4tun/arc4tun/tunnel/netstack"
)

// reason is why something was not reached, as SOCKS5 and HTTP have it.
func reason(err error) (socks5.Reply, int) {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, netstack.ErrDown), errors.Is(err, net.ErrClosed):
		return socks5.NetworkUnreachable, 503
	case errors.Is(err, netstack.ErrRefused):
		return socks5.NotAllowed, 403
	case errors.Is(err, netstack.ErrNoNameServer):
		return socks5.HostUnreachable, 502
	case errors.As(err, &dns) && !dns.IsTimeout:
		return socks5.HostUnreachable, 502
	case errors.Is(err, syscall.ECONNREFUSED):
		return socks5.ConnectionRefused, 502
	case errors.Is(err, syscall.ENETUNREACH):
		return socks5.NetworkUnreachable, 502
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT), errors.As(err, &timeout) && timeout.Timeout():
		return socks5.HostUnreachable, 504
	case errors.Is(err, syscall.EHOSTUNREACH):
		return socks5.HostUnreachable, 502
	}
	return socks5.GeneralFailure, 502
}

// failed counts what was not reached, and says what the user has to hear of.
func (s *Server) failed(c *conn, to string, err error) {
	c.on.failed.Add(1)
	if errors.Is(err, netstack.ErrNoNameServer) {
		s.complain.say("names cannot be looked up: the server has assigned no name server; --dns ADDRESS names one that is reached through the tunnel")
	}
	s.log.Debug("not reached through the tunnel", "to", to, "error", err)
}
