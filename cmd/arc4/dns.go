package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/arc4tun/arc4tun/internal/features"
	"github.com/arc4tun/arc4tun/internal/nameservice"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/localend"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// clientDNS decides which name servers this machine asks while a client's tunnel is up. It is a
// localend.NameService.
type clientDNS struct {
	dnsPlan
	all     bool // the tunnel has all IPv4 traffic
	service *nameservice.Service
	log     *slog.Logger
	names   atomic.Pointer[status.Names]
	said    map[string]string // by kind of line, what was said last: the tunnel may come up often
}

// into has a local end that has its routes do what the flags ask for.
func (f *dnsFlags) into(c *localend.ClientConfig, log *slog.Logger) error {
	p, err := f.plan()
	if err != nil || p.off || !features.DNS {
		return err
	}
	f.client = &clientDNS{dnsPlan: p, all: c.DefaultRoute || coversIPv4(c.Routes), service: nameservice.Open(log), log: log, said: make(map[string]string)}
	c.Names = f.client
	return nil
}

// status is what arc4 status shows. It waits for nobody who sets name servers meanwhile.
func (f *dnsFlags) status() *status.Names {
	if f.client == nil {
		return nil
	}
	return f.client.names.Load()
}

// coversIPv4 reports whether routes lead all of it into the tunnel, in one or in halves.
func coversIPv4(routes []netip.Prefix) bool {
	halves := make(map[netip.Addr]bool)
	for _, r := range routes {
		switch {
		case !r.Addr().Is4():
		case r.Bits() == 0:
			return true
		case r.Bits() == 1:
			halves[r.Masked().Addr()] = true
		}
	}
	return len(halves) == 2
}

func (d *clientDNS) Set(ctx context.Context, device string, n tunnel.Network) error {
	servers := d.servers
	if len(servers) == 0 {
		var passed []string
		servers, passed = usableServers(n.DNS, func(a netip.Addr) bool {
			through, err := nameservice.Through(device, a)
			return err == nil && through
		})
		d.sayOnce(slog.LevelInfo, "a name server that the server offers is not asked", passed)
	}
	if len(servers) == 0 {
		if len(d.domains) > 0 {
			d.sayOnce(slog.LevelWarn, "--dns-domain has no effect: the server offers no name server that is reached through the tunnel; --dns names one", d.domains)
		}
		return d.Restore()
	}
	err := d.service.Set(ctx, nameservice.Settings{Device: device, Servers: servers, Domains: d.domains, Only: d.all})
	if err != nil && len(d.servers) == 0 {
		// Nobody has asked for it, and the tunnel is of use without.
		d.names.Store(nil)
		d.sayOnce(slog.LevelWarn, "names are looked up as without the tunnel", []string{err.Error()})
		return nil
	}
	if err != nil {
		return fmt.Errorf("--dns: %w", err)
	}
	by, _ := d.service.Asked()
	now := &status.Names{By: by}
	for _, a := range servers {
		now.Servers = append(now.Servers, a.String())
	}
	if d.service.Splits() {
		now.Domains = d.domains
	}
	d.names.Store(now)
	d.sayOnce(slog.LevelInfo, "names are looked up through the tunnel", append([]string{"by " + by, "at " + strings.Join(now.Servers, ", ")}, d.domains...))
	if len(d.domains) > 0 && !d.service.Splits() {
		d.sayOnce(slog.LevelWarn, "--dns-domain: only systemd-resolved can ask other servers about other names: the tunnel's are asked about all", []string{by})
	}
	return nil
}

func (d *clientDNS) Restore() error {
	d.names.Store(nil)
	return d.service.Restore()
}

func (d *clientDNS) Asked() []netip.Addr {
	_, servers := d.service.Asked()
	return servers
}

func (d *clientDNS) Outside() []netip.Addr { return d.service.Outside() }

// sayOnce logs a line unless it would say the same as the last of its kind.
func (d *clientDNS) sayOnce(level slog.Level, text string, about []string) {
	what := strings.Join(about, ", ")
	if what == d.said[text] {
		return
	}
	d.said[text] = what
	if what != "" {
		d.log.Log(context.Background(), level, text, "what", what)
	}
}

// usableServers are those of the offered name servers that can be asked, and why the others cannot,
// each in words. What is not reached through the tunnel is somebody else, or nobody: a name server
// of this machine's own network, say, at the same address.
func usableServers(offered []netip.Addr, through func(netip.Addr) bool) (use []netip.Addr, passed []string) {
	for _, a := range offered {
		if slices.Contains(use, a) {
			continue
		}
		switch err := nameservice.CheckServer(a); {
		case err != nil:
			passed = append(passed, fmt.Sprintf("%v %v", a, err))
		case !through(a):
			passed = append(passed, fmt.Sprintf("%v is not reached through the tunnel (--route %v/32, or --dns %v)", a, a, a))
		default:
			use = append(use, a)
		}
	}
	return use, passed
}
