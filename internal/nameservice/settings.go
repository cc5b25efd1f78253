package nameservice

import (
	"fmt"
	"net/netip"
	"strings"
)

// Settings are what a tunnel has to say about look-ups.
type Settings struct {
	Device  string       // of the tunnel, which is there
	Servers []netip.Addr // to ask, the first first
	// Domains are those whose names the servers know, and that are put behind short names; one with
	// "~" before it is not put there. None: the servers know all names.
	Domains []string
	// Only reports whether nobody else shall be asked about those names: all traffic goes through
	// the tunnel, and so do its look-ups. Without it others are asked besides, if the machine can.
	Only bool
}

// search are the domains that are put behind short names.
func (s Settings) search() (all []string) {
	for _, d := range s.Domains {
		if !strings.HasPrefix(d, "~") {
			all = append(all, d)
		}
	}
	return all
}

// MaxServers is how many a machine asks: what is behind the third in resolv.conf(5) is ignored.
const MaxServers = 3

// CheckDomain is what is wrong with a domain of Settings, in words that follow it; nil: nothing.
func CheckDomain(domain string) error {
	name := strings.TrimSuffix(strings.TrimPrefix(domain, "~"), ".")
	switch {
	case name == "":
		return fmt.Errorf("names no domain: leave it out, and the tunnel's name servers are asked about all names")
	case len(name) > 253:
		return fmt.Errorf("is %d bytes long: a domain has 253 at most", len(name))
	}
	for label := range strings.SplitSeq(name, ".") {
		switch {
		case label == "":
			return fmt.Errorf("has an empty label: give a domain such as office.example")
		case len(label) > 63:
			return fmt.Errorf("has a label of %d bytes: 63 at most", len(label))
		case strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-"):
			return fmt.Errorf("has a label that begins or ends with -: give a domain such as office.example")
		}
		for _, c := range label {
			if c >= 0x80 {
				return fmt.Errorf("has the character %q: write it as DNS has it, with xn--", c)
			}
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return fmt.Errorf("has the character %q: give a domain such as office.example", c)
			}
		}
	}
	return nil
}

// CheckServer is what is wrong with a name server of Settings, in words that follow it; nil:
// nothing.
func CheckServer(a netip.Addr) error {
	switch {
	case a.IsUnspecified():
		return fmt.Errorf("is no host's address")
	case a.IsLoopback():
		return fmt.Errorf("is this machine itself")
	case a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("is the address of many")
	case a.IsLinkLocalUnicast():
		return fmt.Errorf("is an address of one link alone")
	case a.Is4() && (a.As4()[0] == 0 || a.As4()[0] >= 240):
		return fmt.Errorf("is reserved")
	}
	return nil
}
