//go:build linux && !nodns

package nameservice

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"net/netip"
	"slices"
	"strings"

	"github.com/arc4tun/arc4tun/internal/resolvconf"
)

// The first line of a resolv.conf that this package writes says so, with the sum of all lines after
// it: one that somebody has edited since is told from one that is as it was written.
const (
	firstLine  = "# arc4 has written this file, for as long as its tunnel is up (sum %08x)."
	firstWords = "# arc4 has written this file"
	noBefore   = "# There was no such file before."
)

// render writes a resolv.conf for the tunnels that are up, the last first. base is the file before,
// which is kept at backup; its options stay, and its servers and domains too, if no tunnel has all
// traffic.
func render(base []byte, backup string, tunnels []entry) []byte {
	var servers []netip.Addr
	var search []string
	only := false
	for _, t := range tunnels {
		servers, search, only = append(servers, t.Servers...), append(search, t.search()...), only || t.Only
	}
	if !only {
		servers = append(servers, resolvconf.Parse(base)...)
	}
	var b bytes.Buffer
	if backup == "" {
		fmt.Fprintln(&b, noBefore)
	} else {
		fmt.Fprintf(&b, "# What was here before is in %s, and comes back.\n", backup)
	}
	fmt.Fprintln(&b, `# If arc4 was killed: the next tunnel puts it back, and so does "arc4 down".`)
	servers = distinct(servers)
	for _, a := range servers[:min(len(servers), MaxServers)] {
		fmt.Fprintf(&b, "nameserver %v\n", a)
	}
	kept, others := otherLines(base)
	if search = distinct(append(search, others...)); len(search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(search, " "))
	}
	for _, line := range kept {
		fmt.Fprintln(&b, line)
	}
	return append(fmt.Appendf(nil, firstLine+"\n", crc32.ChecksumIEEE(b.Bytes())), b.Bytes()...)
}

// otherLines are the lines of a resolv.conf that say nothing about servers, and its domains.
func otherLines(content []byte) (kept, search []string) {
	for line := range strings.Lines(string(content)) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "options", "sortlist":
			kept = append(kept, strings.Join(words, " "))
		case "domain", "search":
			search = words[1:] // the last one counts
		}
	}
	return kept, search
}

func distinct[T comparable](list []T) (all []T) {
	for _, x := range list {
		if !slices.Contains(all, x) {
			all = append(all, x)
		}
	}
	return all
}

// writtenByUs reports whether a resolv.conf is one of this package, edited or not.
func writtenByUs(content []byte) bool { return bytes.HasPrefix(content, []byte(firstWords)) }

// sumHolds reports whether it is as it was written.
func sumHolds(content []byte) bool {
	first, rest, _ := bytes.Cut(content, []byte("\n"))
	return string(first) == fmt.Sprintf(firstLine, crc32.ChecksumIEEE(rest))
}

// noneBefore reports whether it says that there was none before.
func noneBefore(content []byte) bool { return bytes.Contains(content, []byte(noBefore+"\n")) }
