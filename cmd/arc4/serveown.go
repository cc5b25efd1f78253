package main

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"

	"github.com/arc4tun/arc4tun/tunnel/pool"
)

// checkOwnAddresses refuses a server's tunnel addresses that are also the address which clients
// call: a client that has a route to it through the tunnel sends the tunnel's own packets there.
// listen is HOST:PORT. Where every address of the machine is answered on, only clients that call
// this one have that trouble.
func checkOwnAddresses(listen string, local netip.Addr, clients *pool.Pool, log *slog.Logger) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil // judged elsewhere
	}
	called, err := netip.ParseAddr(host)
	if err == nil && !called.IsUnspecified() {
		switch called = called.Unmap(); {
		case called == local:
			return usageError("--local-ip %s: is the address that clients call (--listen), and the tunnel's has to be another, such as 10.99.0.1: a client would send the tunnel's own packets into the tunnel", local)
		case slices.ContainsFunc(clients.Prefixes(), func(p netip.Prefix) bool { return p.Contains(called) }):
			return usageError("--pool: holds %s, the address that clients call (--listen): leave it out", called)
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
