package serverroute

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// waitLimit bounds every wait for something that takes a moment on an idle machine.
const waitLimit = 30 * time.Second

// network is an interface with an address that carries; its other end is in the same namespace, and
// has none.
func network(t *testing.T, name, cidr string) netlink.Link {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	require.NoError(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: name + "x"}))
	for _, end := range []string{name + "x", name} {
		require.NoError(t, labtest.Change(end, func(l netlink.Link) error {
			return errors.Join(netlink.LinkSetIP6AddrGenMode(l, nl.IN6_ADDR_GEN_MODE_NONE), netlink.LinkSetUp(l))
		}))
	}
	require.NoError(t, netns.AddAddress(name, cidr))
	link, err := netlink.LinkByName(name)
	require.NoError(t, err)
	return link
}

// tunnelDevice stands for the tunnel's.
func tunnelDevice(t *testing.T) int { return network(t, "t0", "10.99.0.100/32").Attrs().Index }

// into leads both halves of IPv4 into the tunnel.
func into(t *testing.T, device int) {
	t.Helper()
	for _, half := range halves {
		require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(half.String()), LinkIndex: device, Scope: unix.RT_SCOPE_LINK}))
	}
}

var halves = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/1"), netip.MustParsePrefix("128.0.0.0/1")}

func ipNet(cidr string) *net.IPNet {
	p := netip.MustParsePrefix(cidr)
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// route adds one by a gateway.
func route(t *testing.T, dst, gateway string, metric int) *netlink.Route {
	t.Helper()
	r := &netlink.Route{Dst: ipNet(dst), Gw: net.ParseIP(gateway), Priority: metric}
	require.NoError(t, netlink.RouteAdd(r))
	return r
}

// reach says by which interface and gateway the kernel reaches an address.
func reach(t *testing.T, addr string) string {
	t.Helper()
	found, err := netlink.RouteGet(net.ParseIP(addr))
	if err != nil {
		return err.Error()
	}
	link, err := netlink.LinkByIndex(found[0].LinkIndex)
	require.NoError(t, err)
	if found[0].Gw == nil {
		return link.Attrs().Name
	}
	return link.Attrs().Name + " " + found[0].Gw.String()
}

// hostRoutes are the routes of this program in the namespace.
func hostRoutes(t *testing.T) (all []string) {
	t.Helper()
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: Protocol}, netlink.RT_FILTER_PROTOCOL)
	require.NoError(t, err)
	for _, r := range routes {
		all = append(all, fmt.Sprintf("%v via %v", r.Dst, r.Gw))
	}
	return all
}

const server = "198.51.100.7"

var serverAddr = netip.MustParseAddr(server)

// follower follows in the test's namespace, by news alone.
func follower(t *testing.T) *Follower {
	t.Helper()
	f, err := open(Options{Log: slog.New(slog.DiscardHandler)}, time.Hour)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// eventually waits for the kernel to say what is wanted. It asks on the test's own thread.
func eventually(t *testing.T, want string, got func() string) {
	t.Helper()
	for deadline := time.Now().Add(waitLimit); ; time.Sleep(time.Millisecond) {
		is := got()
		if is == want {
			return
		}
		if time.Now().After(deadline) {
			require.Equal(t, want, is)
		}
	}
}
