package netdev

import "encoding/binary"

const (
	protocolTCP   = 6
	ipv4Header    = 20
	ipv6Header    = 40
	tcpHeader     = 20
	tcpFlagSYN    = 0x02
	optionEnd     = 0
	optionNOP     = 1
	optionMSS     = 2
	optionMSSSize = 4
)

// ClampMSS lowers the maximum segment size that a TCP SYN or SYN-ACK announces to what the
// tunnel carries whole: mtu-40 over IPv4, mtu-60 over IPv6 (RFC 6691). packet is one IP
// packet, changed in place; mtu is the tunnel's, in bytes. It reports whether the packet
// changed. Fragments, malformed packets, SYNs without the option and IPv6 packets with
// extension headers are left alone, and a smaller value is never raised.
//
// Both directions go through it: a hop on either side that drops "fragmentation needed" then
// cannot stall a connection.
func ClampMSS(packet []byte, mtu int) bool {
	if len(packet) < ipv4Header {
		return false
	}
	switch packet[0] >> 4 {
	case 4:
		return clampIPv4(packet, mtu-ipv4Header-tcpHeader)
	case 6:
		return clampIPv6(packet, mtu-ipv6Header-tcpHeader)
	}
	return false
}

func clampIPv4(packet []byte, limit int) bool {
	headerLen := int(packet[0]&0x0f) * 4
	total := int(binary.BigEndian.Uint16(packet[2:]))
	const moreFragmentsAndOffset = 0x3fff
	if packet[9] != protocolTCP || binary.BigEndian.Uint16(packet[6:])&moreFragmentsAndOffset != 0 {
		return false
	}
	if headerLen < ipv4Header || total < headerLen || total > len(packet) {
		return false
	}
	return clampTCP(packet[headerLen:total], limit)
}

func clampIPv6(packet []byte, limit int) bool {
	if len(packet) < ipv6Header || packet[6] != protocolTCP {
		return false
	}
	payload := int(binary.BigEndian.Uint16(packet[4:]))
	if payload > len(packet)-ipv6Header {
		return false
	}
	return clampTCP(packet[ipv6Header:ipv6Header+payload], limit)
}

// clampTCP works on a TCP header and what follows it (RFC 9293 section 3.1).
func clampTCP(segment []byte, limit int) bool {
	if len(segment) < tcpHeader || segment[13]&tcpFlagSYN == 0 || limit < 1 {
		return false
	}
	headerLen := int(segment[12]>>4) * 4
	if headerLen < tcpHeader || headerLen > len(segment) {
		return false
	}
	options := segment[tcpHeader:headerLen]
	// Two walks, so that a list which turns out malformed has not been touched.
	if !wellFormed(options) {
		return false
	}
	changed := false
	for i := 0; i < len(options) && options[i] != optionEnd; {
		if options[i] == optionNOP {
			i++
			continue
		}
		if options[i] == optionMSS {
			if mss := binary.BigEndian.Uint16(options[i+2:]); int(mss) > limit {
				binary.BigEndian.PutUint16(options[i+2:], uint16(limit))
				updateChecksum(segment[16:18], tcpHeader+i+2, mss, uint16(limit))
				changed = true
			}
		}
		i += int(options[i+1])
	}
	return changed
}

// wellFormed reports whether every option lies inside the list and an MSS option has its
// one possible length (RFC 9293 section 3.2).
func wellFormed(options []byte) bool {
	for i := 0; i < len(options) && options[i] != optionEnd; {
		if options[i] == optionNOP {
			i++
			continue
		}
		if i+1 >= len(options) {
			return false
		}
		size := int(options[i+1])
		if size < 2 || i+size > len(options) || (options[i] == optionMSS && size != optionMSSSize) {
			return false
		}
		i += size
	}
	return true
}

// updateChecksum replaces one 16-bit field in a one's complement checksum: equation 3 of
// RFC 1624, HC' = ~(~HC + ~m + m'). A field at an odd offset lies across two words of the
// sum, with its bytes the other way round.
func updateChecksum(checksum []byte, offset int, before, after uint16) {
	if offset%2 == 1 {
		before, after = before<<8|before>>8, after<<8|after>>8
	}
	sum := uint32(^binary.BigEndian.Uint16(checksum)) + uint32(^before) + uint32(after)
	sum = sum&0xffff + sum>>16
	sum = sum&0xffff + sum>>16
	binary.BigEndian.PutUint16(checksum, ^uint16(sum))
}
