package netstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// ErrNoNameServer is what comes of a name when there is nobody to ask: the server has assigned no
// name servers, and none was given.
var ErrNoNameServer = errors.New("names cannot be looked up: the server has assigned no name server")

const (
	// askFor is how long one name server has for an answer before the next one is asked.
	askFor = 3 * time.Second
	// rounds is how often each of them is asked.
	rounds = 2
	// mostServers and mostAddresses bound what a server makes this end do.
	mostServers, mostAddresses = 3, 16
	dnsPort                    = 53
)

// LookupNetIP looks a name up at the tunnel's name servers, through the tunnel; nobody else is
// asked, and no file of this machine is read. network is ip, ip4 or ip6. The IPv4 addresses come
// first; IPv6 ones only where the tunnel has IPv6. An address is its own.
//
// Its errors: ErrDown, ErrNoNameServer, ErrRefused for localhost, and *net.DNSError.
func (d *Dialer) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		if network == "ip4" && !addr.Is4() || network == "ip6" && !addr.Is6() {
			return nil, &net.AddrError{Err: "no address of " + network, Addr: host}
		}
		return []netip.Addr{addr}, nil
	}
	name, err := dnsName(host)
	if err != nil {
		return nil, err
	}
	s, err := d.current(ctx)
	if err != nil {
		return nil, err
	}
	servers := d.servers
	if len(servers) == 0 {
		servers = usable(s.network.DNS)
	}
	if len(servers) == 0 {
		return nil, ErrNoNameServer
	}
	var all []netip.Addr
	var failed error
	for _, family := range []struct {
		network string
		kind    uint16
		wanted  bool
	}{{"ip4", typeA, true}, {"ip6", typeAAAA, s.network.LocalIPv6.IsValid()}} {
		if network != "ip" && network != family.network || !family.wanted || len(all) > 0 {
			continue
		}
		found, err := s.ask(ctx, servers, name, family.kind)
		all = append(all, found...)
		if failed == nil {
			failed = err
		}
	}
	switch {
	case len(all) > 0:
		return all, nil
	case failed != nil:
		return nil, failed
	}
	return nil, &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
}

// usable are the name servers that may be asked of those that a server has assigned.
func usable(assigned []netip.Addr) (servers []netip.Addr) {
	for _, a := range assigned {
		ruling, _ := netdev.Judge(netdev.Given{Local: a}, netdev.Surroundings{})
		if a.IsValid() && ruling.Verdict == netdev.Usable && len(servers) < mostServers {
			servers = append(servers, a)
		}
	}
	return servers
}

// dnsName is a host's name, checked, with a dot at its end.
func dnsName(host string) (string, error) {
	name := strings.TrimSuffix(host, ".")
	wrong := func(what string) error { return &net.DNSError{Err: what, Name: host, IsNotFound: true} }
	if len(name) > 253 || name == "" {
		return "", wrong(fmt.Sprintf("a name of %d bytes, where 1 to 253 are allowed", len(name)))
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return "", wrong("a part of the name is empty, or longer than 63 bytes")
		}
		if strings.ContainsFunc(label, func(r rune) bool { return r <= ' ' || r >= 0x7F }) {
			return "", wrong("there are characters in it that no name has")
		}
	}
	if last := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:]); last == "localhost" {
		return "", fmt.Errorf("%w: %s is this machine itself", ErrRefused, host)
	}
	return name + ".", nil
}

// ask puts one question to the name servers in turn until one answers it.
func (s *stack) ask(ctx context.Context, servers []netip.Addr, name string, kind uint16) ([]netip.Addr, error) {
	host := strings.TrimSuffix(name, ".")
	last := &net.DNSError{Err: "no name server answers", Name: host, IsTimeout: true}
	for range rounds {
		for _, server := range servers {
			if ctx.Err() != nil {
				return nil, last
			}
			if err := s.reaches(server); err != nil {
				last = &net.DNSError{Err: err.Error(), Name: host, Server: server.String()}
				continue
			}
			found, code, err := s.exchange(ctx, netip.AddrPortFrom(server, dnsPort), name, kind)
			switch {
			case err != nil:
				var timeout net.Error
				late := errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
				if late {
					err = errors.New("no answer in time")
				}
				last = &net.DNSError{Err: err.Error(), Name: host, Server: server.String(), IsTimeout: late, IsTemporary: true}
			case code == codeNone:
				return found, nil
			case code == codeNoSuchName:
				return nil, &net.DNSError{Err: "no such host", Name: host, Server: server.String(), IsNotFound: true}
			default:
				last = &net.DNSError{Err: "the name server answers: " + codeText(code), Name: host, Server: server.String(), IsTemporary: true}
			}
		}
	}
	return nil, last
}

// exchange asks one server, by UDP, and by TCP where the answer does not fit.
func (s *stack) exchange(ctx context.Context, server netip.AddrPort, name string, kind uint16) ([]netip.Addr, int, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	q, err := newQuestion(name, kind)
	if err != nil {
		return nil, 0, err
	}
	a, err := s.askByUDP(ctx, server, q)
	if err == nil && a.truncated {
		a, err = s.askByTCP(ctx, server, q)
	}
	return a.addresses, a.code, err
}
