package cmdline

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel"
)

// ListenAddresses completes those of --listen with PPTP's port.
func ListenAddresses(flags []string) ([]string, error) {
	if len(flags) == 0 {
		return nil, exit.Usagef("--listen is empty: give ADDRESS, ADDRESS:PORT or :PORT")
	}
	var all []string
	for _, f := range flags {
		a, err := listenAddress(strings.TrimSpace(f))
		if err != nil {
			return nil, err
		}
		for _, other := range all {
			if a == other {
				return nil, exit.Usagef("--listen %s: is given twice: leave one of them out", a)
			}
			if everyAddress(a, other) {
				return nil, exit.Usagef("--listen %s and %s: one of them is every address of this machine already: leave the other out", other, a)
			}
		}
		all = append(all, a)
	}
	return all, nil
}

// everyAddress reports whether one of two completed addresses has the other in it.
func everyAddress(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	every := func(host string) bool { return host == "" || host == "0.0.0.0" }
	return portA == portB && portA != "0" && (every(hostA) || every(hostB))
}

// listenAddress completes --listen with PPTP's port.
func listenAddress(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = s, fmt.Sprint(tunnel.Port)
	}
	if host != "" {
		a, err := netip.ParseAddr(host)
		if err != nil || !a.Unmap().Is4() {
			return "", exit.Usagef("--listen %q: must be an IPv4 address of this machine, with :PORT or without", s)
		}
	}
	if s == "" || strings.HasSuffix(s, ":") {
		return "", exit.Usagef("--listen %q: give ADDRESS, ADDRESS:PORT or :PORT", s)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return "", exit.Usagef("--listen %q: no such port: give 1 to 65535, or leave it out for 1723", s)
	}
	return net.JoinHostPort(host, port), nil
}

// ListenOn opens all addresses, or none.
func ListenOn(addresses []string) ([]net.Listener, error) {
	var all []net.Listener
	for _, a := range addresses {
		l, err := net.Listen("tcp4", a)
		if err != nil {
			CloseAll(all)
			return nil, listenError(a, err)
		}
		all = append(all, l)
	}
	return all, nil
}

func CloseAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

func listenError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return exit.With(exit.Network, fmt.Errorf("--listen %s: another program (a PPTP server?) has this port; stop it, or give another ADDRESS:PORT", address))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return exit.With(exit.Network, fmt.Errorf("--listen %s: no interface of this machine has that address", address))
	case errors.Is(err, fs.ErrPermission):
		return exit.With(exit.Permission, fmt.Errorf("--listen %s: %w", address, err))
	}
	return exit.With(exit.Network, fmt.Errorf("--listen %s: %w", address, err))
}
