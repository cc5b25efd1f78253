package session

import "github.com/arc4tun/arc4tun/internal/ippkt"

// Types of ICMPv6 (RFC 4861 section 4).
const (
	icmpRouterAdvertisement = 134
	icmpRedirect            = 137
)

// isRouterMessage reports whether an IPv6 packet is a Router Advertisement or a redirect. This
// tunnel's IPv6 is link-local and negotiated by IPV6CP; a peer that could send these would give us
// routes, addresses and name servers. Extension headers hide nothing (RFC 7113), and a message that
// goes on in another fragment is looked at where it begins. ip holds at least the IPv6 header.
func isRouterMessage(ip []byte) bool {
	next, rest := ippkt.IPv6(ip).NextHeader(), ip[ippkt.IPv6Len:]
	for ippkt.IsExtension(next) {
		e, ok := ippkt.ReadExtension(next, rest)
		if !ok || e.Later {
			return false // nor will anybody else find a message in it
		}
		next, rest = e.Next, e.Rest
	}
	return next == ippkt.ICMPv6 && len(rest) > 0 && (rest[0] == icmpRouterAdvertisement || rest[0] == icmpRedirect)
}
