package mppe

import "encoding/binary"

// The PPP protocols of IPv4 and IPv6 (RFC 1332, RFC 5072).
const (
	protocolIPv4 = 0x0021
	protocolIPv6 = 0x0057
)

// maxPadding is how many bytes may follow an IPv4 packet: RFC 3078 section 3 advises against
// padding, but some link may have brought a short packet to its minimum length.
const maxPadding = 64

// PlausiblePPP gives a judge for Config.Plausible that accepts the protocols that are negotiated:
// an IPv4 packet with a sound header (RFC 791: version, length of the header, total length,
// checksum), an IPv6 packet with a sound header (RFC 8200: version, payload length). The protocol
// field may be compressed to one byte (RFC 1661 section 6.5).
//
// Random bytes pass with a probability of about 2^-46 as IPv4 and 2^-36 as IPv6 with the full
// protocol field, and 2^-38 and 2^-28 with the compressed one.
func PlausiblePPP(ipv4, ipv6 bool) func(plain []byte) bool {
	return func(plain []byte) bool {
		if len(plain) < 2 {
			return false
		}
		protocol, packet := uint16(plain[0]), plain[1:]
		if protocol&1 == 0 {
			protocol, packet = binary.BigEndian.Uint16(plain), plain[2:]
		}
		switch protocol {
		case protocolIPv4:
			return ipv4 && isIPv4(packet)
		case protocolIPv6:
			return ipv6 && isIPv6(packet)
		}
		return false
	}
}

func isIPv4(p []byte) bool {
	if len(p) < 20 || p[0]>>4 != 4 {
		return false
	}
	header := int(p[0]&15) * 4
	total := int(binary.BigEndian.Uint16(p[2:]))
	if header < 20 || total < header || total > len(p) || len(p)-total > maxPadding {
		return false
	}
	// RFC 1071: the upper and the lower bytes of the words may be added up apart.
	h := (*[20]byte)(p)
	upper := uint32(h[0]) + uint32(h[2]) + uint32(h[4]) + uint32(h[6]) + uint32(h[8]) +
		uint32(h[10]) + uint32(h[12]) + uint32(h[14]) + uint32(h[16]) + uint32(h[18])
	lower := uint32(h[1]) + uint32(h[3]) + uint32(h[5]) + uint32(h[7]) + uint32(h[9]) +
		uint32(h[11]) + uint32(h[13]) + uint32(h[15]) + uint32(h[17]) + uint32(h[19])
	sum := upper<<8 + lower
	for i := len(h); i < header; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	for sum > 0xFFFF {
		sum = sum>>16 + sum&0xFFFF
	}
	return sum == 0xFFFF
}

func isIPv6(p []byte) bool {
	return len(p) >= 40 && p[0]>>4 == 6 && int(binary.BigEndian.Uint16(p[4:]))+40 == len(p)
}
