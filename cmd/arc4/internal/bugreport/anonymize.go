package bugreport

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// Anonymizer puts names of its own for addresses and for the names that it is told, the same for
// the same throughout a report.
type Anonymizer struct {
	words Secrets
	known map[string]string
	count map[string]int
}

// NewAnonymizer makes one that also hides these names: of users, hosts and servers.
func NewAnonymizer(names ...string) *Anonymizer {
	a := &Anonymizer{known: make(map[string]string), count: make(map[string]int)}
	a.words.Add(names...)
	return a
}

var (
	mac     = regexp.MustCompile(`\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b`)
	address = regexp.MustCompile(`[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*|\b\d{1,3}(?:\.\d{1,3}){3}\b`)
)

// Hide replaces them in a text.
func (a *Anonymizer) Hide(text []byte) []byte {
	text = mac.ReplaceAllFunc(text, func(b []byte) []byte { return []byte(a.name("mac", strings.ToLower(string(b)))) })
	text = address.ReplaceAllFunc(text, func(b []byte) []byte {
		ip, err := netip.ParseAddr(string(b))
		if err != nil || ip.IsLoopback() || ip.IsUnspecified() || ip.IsMulticast() || ip.Is4() && ip.As4()[0] == 255 {
			return b
		}
		if ip.Is4() {
			return []byte(a.name("ipv4", ip.String()))
		}
		return []byte(a.name("ipv6", ip.String()))
	})
	return a.words.Hide(text)
}

// name is what stands for something of a kind.
func (a *Anonymizer) name(kind, what string) string {
	if n, known := a.known[what]; known {
		return n
	}
	a.count[kind]++
	a.known[what] = fmt.Sprintf("%s-%d", kind, a.count[kind])
	return a.known[what]
}
