package netdev

import (
	"encoding/binary"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

const (
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
	switch ippkt.Version(packet) {
	case 4:
		return clampIPv4(packet, mtu-ippkt.IPv4Len-ippkt.TCPLen)
	case 6:
		return clampIPv6(packet, mtu-ippkt.IPv6Len-ippkt.TCPLen)
	}
	return false
}

func clampIPv4(packet ippkt.IPv4, limit int) bool {
	if packet.Protocol() != ippkt.TCP || packet.IsFragment() {
		return false
	}
	header, total, ok := packet.Lengths()
	return ok && clampTCP(packet[header:total], limit)
}

func clampIPv6(packet ippkt.IPv6, limit int) bool {
	if packet.NextHeader() != ippkt.TCP || packet.TotalLen() > len(packet) {
		return false
	}
	return clampTCP(packet[ippkt.IPv6Len:packet.TotalLen()], limit)
}

// clampTCP works on a TCP header and what follows it (RFC 9293 section 3.1).
func clampTCP(segment []byte, limit int) bool {
	if len(segment) < ippkt.TCPLen || segment[13]&ippkt.FlagSYN == 0 || limit < 1 {
		return false
	}
	headerLen := int(segment[12]>>4) * 4
	if headerLen < ippkt.TCPLen || headerLen > len(segment) {
		return false
	}
	options := segment[ippkt.TCPLen:headerLen]
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
				updateChecksum(segment[16:18], ippkt.TCPLen+i+2, mss, uint16(limit))
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
	binary.BigEndian.PutUint16(checksum, ^ippkt.Fold(sum))
}
