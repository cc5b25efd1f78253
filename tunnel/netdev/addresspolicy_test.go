package netdev

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

var (
	addr   = netip.MustParseAddr
	prefix = netip.MustParsePrefix
)

// office is a machine on a LAN with a router, a name server beyond it and another tunnel.
func office() Surroundings {
	return Surroundings{
		own: []ownAddress{{addr("127.0.0.1"), "lo"}, {addr("192.168.1.20"), "eth0"}, {addr("10.8.0.2"), "wg0"}},
		onLink: []onLink{
			{prefix("127.0.0.0/8"), "lo"}, {prefix("192.168.1.0/24"), "eth0"}, {prefix("10.8.0.0/24"), "wg0"},
		},
		nextHops:    []nextHop{{addr("192.168.1.1"), "eth0"}, {addr("172.16.9.9"), "eth0"}},
		nameServers: []nameServer{{addr("9.9.9.9"), "/etc/resolv.conf"}, {addr("10.20.0.53"), "/run/systemd/resolve/resolv.conf"}},
	}
}

func TestJudge(t *testing.T) {
	const server = "198.51.100.7"
	for _, tc := range []struct {
		name   string
		addr   string
		routes string // one, "default" or none
		local  string // the reason why it is refused as ours; empty: usable
		remote string // the reason why it is not used as the server's; empty: usable
	}{
		{name: "private", addr: "10.99.0.1"},
		{name: "private, 172.16/12", addr: "172.31.255.1"},
		{name: "between provider and customers", addr: "100.64.0.1"},
		{name: "the LAN's gateway", addr: "192.168.1.1", local: "the gateway of a route by eth0", remote: "the gateway of a route by eth0"},
		{name: "the LAN's gateway, asked for", addr: "192.168.1.1", routes: "192.168.0.0/16", local: "the gateway of a route by eth0", remote: "the gateway of a route by eth0"},
		{name: "a gateway off any link", addr: "172.16.9.9", local: "the gateway of a route by eth0", remote: "the gateway of a route by eth0"},
		{name: "a neighbour", addr: "192.168.1.77", local: "in the network 192.168.1.0/24 of eth0", remote: "in the network 192.168.1.0/24 of eth0"},
		{name: "a neighbour in another tunnel", addr: "10.8.0.9", local: "in the network 10.8.0.0/24 of wg0", remote: "in the network 10.8.0.0/24 of wg0"},
		{name: "our own", addr: "192.168.1.20", local: "this machine's own on eth0", remote: "this machine's own on eth0"},
		{name: "our own in another tunnel", addr: "10.8.0.2", local: "this machine's own on wg0", remote: "this machine's own on wg0"},
		{name: "the server's outer address", addr: server, local: "the server's own address outside the tunnel", remote: "the server's own address outside the tunnel"},
		{name: "the server's outer address, default route", addr: server, routes: "default", local: "the server's own address outside the tunnel", remote: "the server's own address outside the tunnel"},
		{name: "a public name server", addr: "9.9.9.9", local: "a name server of this machine, by /etc/resolv.conf", remote: "a name server of this machine, by /etc/resolv.conf"},
		{name: "a private name server", addr: "10.20.0.53", local: "a name server of this machine, by /run/systemd/resolve/resolv.conf", remote: "a name server of this machine, by /run/systemd/resolve/resolv.conf"},
		{name: "a name server in the tunnel, asked for", addr: "10.20.0.53", routes: "10.20.0.0/16", local: "a name server of this machine, by /run/systemd/resolve/resolv.conf"},
		{name: "public", addr: "8.8.8.8", remote: "public, and no route asks for it"},
		{name: "public, asked for", addr: "8.8.8.8", routes: "8.8.8.0/24"},
		{name: "public, default route", addr: "8.8.8.8", routes: "default"},
		{name: "documentation", addr: "203.0.113.9", remote: "public, and no route asks for it"},
		{name: "cloud metadata", addr: "169.254.169.254", local: "in 169.254.0.0/16, of one link alone, where clouds have their metadata", remote: "in 169.254.0.0/16, of one link alone, where clouds have their metadata"},
		{name: "cloud metadata, default route", addr: "169.254.169.254", routes: "default", local: "in 169.254.0.0/16, of one link alone, where clouds have their metadata", remote: "in 169.254.0.0/16, of one link alone, where clouds have their metadata"},
		{name: "loopback", addr: "127.0.0.53", local: "a loopback address", remote: "a loopback address"},
		{name: "no host", addr: "0.1.2.3", local: "in 0.0.0.0/8, where no host is", remote: "in 0.0.0.0/8, where no host is"},
		{name: "multicast", addr: "224.0.0.1", local: "multicast, reserved or broadcast", remote: "multicast, reserved or broadcast"},
		{name: "reserved", addr: "240.0.0.1", local: "multicast, reserved or broadcast", remote: "multicast, reserved or broadcast"},
		{name: "broadcast", addr: "255.255.255.255", local: "multicast, reserved or broadcast", remote: "multicast, reserved or broadcast"},
		{name: "none"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := Given{Server: addr(server), DefaultRoute: tc.routes == "default"}
			if tc.routes != "" && !g.DefaultRoute {
				g.Routes = []netip.Prefix{prefix(tc.routes)}
			}
			a := netip.Addr{}
			if tc.addr != "" {
				a = addr(tc.addr)
			}
			g.Local, g.Remote = a, addr("10.99.0.1")
			local, remote := Judge(g, office())
			want := Ruling{}
			if tc.local != "" {
				want = Ruling{Refused, tc.local}
			}
			assert.Equal(t, want, local)
			assert.Equal(t, Ruling{}, remote)

			g.Local, g.Remote = addr("10.99.0.100"), a
			local, remote = Judge(g, office())
			want = Ruling{}
			if tc.remote != "" {
				want = Ruling{Unused, tc.remote}
			}
			assert.Equal(t, Ruling{}, local)
			assert.Equal(t, want, remote)
		})
	}
}
