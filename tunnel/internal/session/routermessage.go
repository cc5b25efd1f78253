package session

import "encoding/binary"

// Next headers of IPv6 (RFC 8200 section 4) and types of ICMPv6 (RFC 4861 section 4).
const (
	nextHopByHop    = 0
	nextRouting     = 43
	nextFragment    = 44
	nextAH          = 51
	nextICMPv6      = 58
	nextDestination = 60

	icmpRouterAdvertisement = 134
	icmpRedirect            = 137
)

// isRouterMessage is whether an IPv6 packet is a Router Advertisement or a redirect. This tunnel's
// IPv6 is link-local and negotiated by IPV6CP; a peer that could send these would give us routes,
// addresses and name servers. Extension headers hide nothing (RFC 7113), and a message that goes on
// in another fragment is looked at where it begins. ip holds at least the IPv6 header.
func isRouterMessage(ip []byte) bool {
	next, rest := ip[6], ip[40:]
	for {
		size := 0
		switch {
		case next == nextICMPv6:
			return len(rest) > 0 && (rest[0] == icmpRouterAdvertisement || rest[0] == icmpRedirect)
		case len(rest) < 8:
			return false // nor will anybody else find a message in it
		case next == nextHopByHop, next == nextRouting, next == nextDestination:
			size = (int(rest[1]) + 1) * 8
		case next == nextAH:
			size = (int(rest[1]) + 2) * 4
		case next == nextFragment:
			if binary.BigEndian.Uint16(rest[2:])>>3 != 0 {
				return false // not the first
			}
			size = 8
		default:
			return false
		}
		if size > len(rest) {
			return false
		}
		next, rest = rest[0], rest[size:]
	}
}
