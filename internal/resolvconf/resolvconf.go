// Package resolvconf reads which name servers a system asks.
package resolvconf

import (
	"bufio"
	"bytes"
	"net/netip"
	"os"
	"strings"
)

// Path is the file that programs read (resolv.conf(5)).
const Path = "/etc/resolv.conf"

// Upstream are the files in which a program that answers look-ups on this machine names the servers
// that it asks itself: systemd-resolved, NetworkManager and resolvconf with dnsmasq, OpenWrt.
var Upstream = []string{
	"/run/systemd/resolve/resolv.conf",
	"/run/NetworkManager/no-stub-resolv.conf",
	"/run/dnsmasq/resolv.conf",
	"/tmp/resolv.conf.d/resolv.conf.auto",
	"/tmp/resolv.conf.auto",
}

// Read gives the name servers of a file, in their order; none if there is no such file.
func Read(file string) []netip.Addr {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil // most systems have few of them
	}
	return Parse(content)
}

// Parse gives the name servers of a file in the form of resolv.conf(5), in their order.
func Parse(content []byte) (all []netip.Addr) {
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(words[1]); err == nil {
			all = append(all, a.Unmap())
		}
	}
	return all
}
