package serverroute

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/resolvconf"
)

// lookUpFor is how long name servers may take when there are addresses to go on with.
const lookUpFor = 2 * time.Second

// lookUp gives the IPv4 addresses of a host: its own, those that its name has now, or those that
// were last connected to. As long as the tunnel's device is there, name servers are asked around
// it.
func (f *Follower) lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr.Unmap()}, nil
	}
	f.mu.Lock()
	around, worked, outside := f.device != 0 || f.blocked, slices.Clone(f.worked[host]), f.outside
	f.mu.Unlock()
	resolver := net.DefaultResolver
	if around {
		resolver = f.resolver(upstream(), false)
		if outside != nil {
			if servers := outside(); len(servers) > 0 {
				resolver = f.resolver(servers, true)
			}
		}
	}
	ask := ctx
	if len(worked) > 0 {
		var cancel context.CancelFunc
		ask, cancel = context.WithTimeout(ctx, lookUpFor)
		defer cancel()
	}
	found, err := resolver.LookupNetIP(ask, "ip4", host)
	if err == nil && len(found) > 0 {
		for i := range found {
			found[i] = found[i].Unmap()
		}
		return found, nil
	}
	if err == nil {
		err = &net.DNSError{Err: "no IPv4 address", Name: host, IsNotFound: true}
	}
	if len(worked) == 0 || ctx.Err() != nil {
		return nil, err
	}
	f.log.Info("the server's name cannot be looked up: trying the addresses that worked last", "name", host, "reason", reason(err), "addresses", worked)
	return worked, nil
}

// AskOutside has the server's name looked up at the servers that outside gives, for as long as the
// tunnel's device is there: what resolv.conf names may be reached through the tunnel alone. If it
// gives none, resolv.conf is asked.
func (f *Follower) AskOutside(outside func() []netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outside = outside
}

// upstream are the name servers that a resolver on this machine asks, if it says so.
func upstream() []netip.Addr {
	for _, file := range resolvconf.Upstream {
		servers := slices.DeleteFunc(resolvconf.Read(file), func(a netip.Addr) bool { return a.IsLoopback() || a.IsUnspecified() })
		if len(servers) > 0 {
			return servers
		}
	}
	return nil
}

// reason is what is wrong with a look-up, without the name.
func reason(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.Err
	}
	return err.Error()
}

// resolver asks name servers around the tunnel. One on this machine would ask others by itself,
// and those through the tunnel: they are asked in its place, in turn, if they are known. always:
// they are asked in the place of any other.
func (f *Follower) resolver(upstream []netip.Addr, always bool) *net.Resolver {
	var turn atomic.Uint32
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return nil, err
		}
		if (always || to.Addr().IsLoopback()) && len(upstream) > 0 {
			n := int(turn.Add(1)-1) % len(upstream)
			to = netip.AddrPortFrom(upstream[n], to.Port())
		}
		return f.connect(ctx, network, to)
	}}
}
