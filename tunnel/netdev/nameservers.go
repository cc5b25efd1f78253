package netdev

import (
	"bufio"
	"bytes"
	"net/netip"
	"os"
	"strings"
)

// resolverFiles are where the name servers of a system stand: the file that programs read, and where that names a stub on
// this machine, the stub's own: systemd-resolved's and NetworkManager's.
var resolverFiles = []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf"}

// nameServers reads the files that are there.
func nameServers(files []string) (all []NameServer) {
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // most systems have one or two of them
		}
		for _, a := range parseResolvConf(content) {
			all = append(all, NameServer{a, file})
		}
	}
	return all
}

// parseResolvConf reads the name servers of a resolv.conf(5).
func parseResolvConf(content []byte) (all []netip.Addr) {
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
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
