package nmplugin

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/godbus/dbus/v5"
)

// Network is what NetworkManager is told of a tunnel that is up. All addresses are IPv4.
type Network struct {
	Device        string
	Server        netip.Addr // the outer address, which NetworkManager keeps a way to
	Local, Remote netip.Addr // the tunnel's; Remote may be missing
	DNS           []netip.Addr
	MTU           int
	Persists      bool // the tunnel is made again by the plugin when it ends
}

// same reports whether NetworkManager would be told the same.
func (n Network) same(o Network) bool {
	return n.Device == o.Device && n.Server == o.Server && n.Local == o.Local && n.Remote == o.Remote &&
		n.MTU == o.MTU && n.Persists == o.Persists && slices.Equal(n.DNS, o.DNS)
}

// config is the part that is of no family.
func (n Network) config() map[string]dbus.Variant {
	return map[string]dbus.Variant{
		"tundev":      dbus.MakeVariant(n.Device),
		"gateway":     dbus.MakeVariant(inNetworkOrder(n.Server)),
		"mtu":         dbus.MakeVariant(uint32(n.MTU)),
		"has-ip4":     dbus.MakeVariant(true),
		"has-ip6":     dbus.MakeVariant(false),
		"can-persist": dbus.MakeVariant(n.Persists),
	}
}

// ip4Config is that of IPv4. Which routes there are, and whether the tunnel has the default route,
// the connection says, and NetworkManager sees to.
func (n Network) ip4Config() map[string]dbus.Variant {
	c := map[string]dbus.Variant{
		"address": dbus.MakeVariant(inNetworkOrder(n.Local)),
		"prefix":  dbus.MakeVariant(uint32(32)),
	}
	if n.Remote.IsValid() {
		c["ptp"] = dbus.MakeVariant(inNetworkOrder(n.Remote))
	}
	if len(n.DNS) > 0 {
		servers := make([]uint32, len(n.DNS))
		for i, a := range n.DNS {
			servers[i] = inNetworkOrder(a)
		}
		c["dns"] = dbus.MakeVariant(servers)
	}
	return c
}

// inNetworkOrder is an address as a number whose bytes lie in memory as on the wire.
func inNetworkOrder(a netip.Addr) uint32 {
	b := a.Unmap().As4()
	return binary.NativeEndian.Uint32(b[:])
}
