package ippkt

import "net/netip"

// Lengths of headers without options, in bytes.
const (
	IPv4Len = 20
	IPv6Len = 40
	TCPLen  = 20
)

// Flags of a TCP header, which are in its byte 13 (RFC 9293 section 3.1).
const (
	FlagFIN = 0x01
	FlagSYN = 0x02
	FlagRST = 0x04
	FlagPSH = 0x08
	FlagACK = 0x10
)

// Protocol numbers, in IPv6 those of the next header (IANA "Assigned Internet Protocol Numbers").
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	GRE    = 47
	ICMPv6 = 58
)

// Version is 4 or 6 where p is long enough for a header of that version without options, else 0.
// Nothing else of the header is looked at.
func Version(p []byte) int {
	switch {
	case len(p) >= IPv4Len && p[0]>>4 == 4:
		return 4
	case len(p) >= IPv6Len && p[0]>>4 == 6:
		return 6
	}
	return 0
}

// Source is where a packet says that it comes from; no valid address where Version is 0.
func Source(p []byte) netip.Addr {
	switch Version(p) {
	case 4:
		return IPv4(p).Source()
	case 6:
		return IPv6(p).Source()
	}
	return netip.Addr{}
}

// Destination is where a packet goes; no valid address where Version is 0.
func Destination(p []byte) netip.Addr {
	switch Version(p) {
	case 4:
		return IPv4(p).Destination()
	case 6:
		return IPv6(p).Destination()
	}
	return netip.Addr{}
}
