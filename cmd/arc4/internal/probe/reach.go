package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/diagnosis"
	"github.com/arc4tun/arc4tun/tunnel"
)

const (
	lookUpTime = 15 * time.Second
	dialTime   = 15 * time.Second // as a client's
)

// lookUp asks the name servers of this machine, and notes which.
func (w *walk) lookUp(ctx context.Context) {
	host, port, err := net.SplitHostPort(w.Server)
	l := &w.facts.Lookup
	if err != nil {
		host, port = w.Server, strconv.Itoa(tunnel.Port)
	}
	l.Host = host
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		w.server = netip.AddrPortFrom(netip.Addr{}, uint16(n))
	}
	if a, err := netip.ParseAddr(host); err == nil {
		l.Found = []netip.Addr{a.Unmap()}
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	var mu sync.Mutex
	var asked []netip.Addr // a late attempt may go on with it
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if to, err := netip.ParseAddrPort(address); err == nil {
			mu.Lock()
			if !slices.Contains(asked, to.Addr()) {
				asked = append(asked, to.Addr())
			}
			mu.Unlock()
		}
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}}
	found, err := resolver.LookupNetIP(ctx, "ip4", host)
	mu.Lock()
	defer mu.Unlock()
	l.Asked = slices.Clone(asked)
	for _, a := range found {
		l.Found = append(l.Found, a.Unmap())
	}
	if l.Err = err; err == nil && len(found) == 0 {
		l.Err = &net.DNSError{Err: "no IPv4 address", Name: host, IsNotFound: true}
	}
}

// askRoute asks the system for the way to the first address.
func (w *walk) askRoute(context.Context) { w.facts.Route = routeTo(w.facts.Lookup.First()) }

// connect tries the addresses one after the other.
func (c *call) connect(ctx context.Context) {
	t := &c.facts.TCP
	found := c.facts.Lookup.Found
	for i, a := range found {
		t.Server = netip.AddrPortFrom(a, c.server.Port())
		began := time.Now()
		limit := dialTime / time.Duration(len(found)-i)
		d := net.Dialer{Timeout: max(limit, 3*time.Second)}
		c.tcp, t.Err = d.DialContext(ctx, "tcp4", t.Server.String())
		t.Took = time.Since(began)
		if errors.Is(context.Cause(ctx), errSlow) {
			t.Err = os.ErrDeadlineExceeded
		}
		var timeout net.Error
		if errors.As(t.Err, &timeout) && timeout.Timeout() {
			t.Err = errors.Join(os.ErrDeadlineExceeded, t.Err)
		}
		if t.Err == nil {
			c.server = t.Server
			if i > 0 {
				c.facts.Route = routeTo(a) // what is measured later goes this way
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// unknownRoute is that of a system which is not asked.
var unknownRoute = diagnosis.Route{Unknown: true}
