package serverroute

import (
	"bufio"
	"bytes"
	"net/netip"
	"os"
	"strings"
)

// upstreamFiles are where programs that answer look-ups on this machine have the name servers which they ask: systemd-resolved,
// NetworkManager and resolvconf with dnsmasq, OpenWrt.
var upstreamFiles = []string{
	"/run/systemd/resolve/resolv.conf",
	"/run/NetworkManager/no-stub-resolv.conf",
	"/run/dnsmasq/resolv.conf",
	"/tmp/resolv.conf.d/resolv.conf.auto",
	"/tmp/resolv.conf.auto",
}

// readUpstream gives the name servers of the first file that has any.
func readUpstream() []netip.Addr {
	for _, name := range upstreamFiles {
		content, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if servers := nameServers(content); len(servers) > 0 {
			return servers
		}
	}
	return nil
}

// nameServers are those that a file in the form of resolv.conf(5) names, without those on this machine.
func nameServers(content []byte) (servers []netip.Addr) {
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(words[1]); err == nil && !a.IsLoopback() && !a.IsUnspecified() {
			servers = append(servers, a)
		}
	}
	return servers
}
