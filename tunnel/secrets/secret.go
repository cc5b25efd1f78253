package secrets

import (
	"fmt"
	"log/slog"
	"net/netip"
)

// Secret is what the file says about one client on one server. Printing it in any way shows
// everything but the password.
type Secret struct {
	// Client and Server are the line's own words: either may be "*".
	Client, Server string
	// Password is the secret, byte for byte: UTF-8 if the file is.
	Password string
	// Line is where it stands in the file, from 1.
	Line int

	addresses rules
}

// Allowed reports whether the client may have this IPv4 address in the tunnel. No address
// column allows none.
func (s Secret) Allowed(addr netip.Addr) bool { return s.addresses.allowed(addr) }

// AnyAllowed reports whether there is an address the client may have. When there is none, the
// line needs one more word: an address, a network, or "*".
func (s Secret) AnyAllowed() bool { return s.addresses.any() }

// FixedAddr is the address to give to the client: the first single one that its line allows.
func (s Secret) FixedAddr() (netip.Addr, bool) { return s.addresses.fixed() }

// Reaches reports whether a word of the address column allows an address of one of these networks.
func (s Secret) Reaches(networks []netip.Prefix) bool {
	for _, rule := range s.addresses {
		for _, n := range networks {
			if rule.permit && rule.prefix.Overlaps(n) {
				return true
			}
		}
	}
	return false
}

// String leaves the password out.
func (s Secret) String() string {
	return fmt.Sprintf("secret of %q on %q, line %d", s.Client, s.Server, s.Line)
}

// GoString leaves the password out of %#v too.
func (s Secret) GoString() string { return s.String() }

// LogValue leaves the password out of logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText leaves the password out of JSON and its kin.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
