package cmdline

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel/pool"
)

// CheckOwnAddresses refuses a server's tunnel addresses that are also the address which clients
// call: a client that has a route to it through the tunnel sends the tunnel's own packets there.
// listen is HOST:PORT. Where every address of the machine is answered on, only clients that call
// this one have that trouble.
func CheckOwnAddresses(listen string, local netip.Addr, clients *pool.Pool, log *slog.Logger) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil // judged elsewhere
	}
	called, err := netip.ParseAddr(host)
	if err == nil && !called.IsUnspecified() {
		switch called = called.Unmap(); {
		case called == local:
			return exit.Usagef("--local-ip %s: is the address that clients call (--listen), and the tunnel's has to be another, such as 10.99.0.1: a client would send the tunnel's own packets into the tunnel", local)
		case slices.ContainsFunc(clients.Prefixes(), func(p netip.Prefix) bool { return p.Contains(called) }):
			return exit.Usagef("--pool: holds %s, the address that clients call (--listen): leave it out", called)
		}
		return nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil // where it matters, a client's reason shows it
	}
	for _, a := range addrs {
		own, err := netip.ParsePrefix(a.String())
		switch {
		case err != nil:
		case own.Addr().Unmap() == local:
			log.Warn("--local-ip is an address of this machine: of the clients that call it, some will send the tunnel's own packets into the tunnel; another address, such as 10.99.0.1, suits all", "local", local)
		case slices.ContainsFunc(clients.Prefixes(), func(p netip.Prefix) bool { return p.Contains(own.Addr().Unmap()) }):
			log.Warn("--pool holds an address of this machine, which a client may get: leave it out", "address", own.Addr().Unmap())
		}
	}
	return nil
}

// IPv4 reads a flag that is an address of a machine.
func IPv4(name, value string) (netip.Addr, error) {
	a, err := netip.ParseAddr(value)
	switch {
	case err != nil || !a.Is4():
		return a, exit.Usagef("%s %q: must be an IPv4 address, such as 10.99.0.1", name, value)
	case a.IsUnspecified() || a.IsLoopback() || a.As4()[0] >= 224:
		return a, exit.Usagef("%s %s: no machine can be reached under this address: give another, such as 10.99.0.1", name, value)
	}
	return a, nil
}

func IPv4List(name string, values []string) ([]netip.Addr, error) {
	switch {
	case values != nil && len(values) == 0:
		return nil, exit.Usagef("%s is empty: give one address or two, or leave it out", name)
	case len(values) > 2:
		return nil, exit.Usagef("%s %s: PPP has room for two", name, strings.Join(values, ","))
	}
	var all []netip.Addr
	for _, v := range values {
		a, err := IPv4(name, v)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}
