package netdev

import (
	"encoding/binary"
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

const (
	icmpUnreachable        = 3 // RFC 792
	icmpFragmentationNeed  = 4 // its code
	icmpHeader             = 8 // of ICMP and of ICMPv6, with the four bytes after the checksum
	icmp6TooBig            = 2 // RFC 4443 section 3.2
	icmp6FirstQuery        = 128
	icmp6Redirect          = 137
	icmpTTL                = 64
	icmpPrecedence         = 0xc0 // internetwork control (RFC 1812 section 4.3.2.5)
	icmpQuoted, icmp6Quote = 576, MinMTU6
)

// maxTooBig is the largest message that TooBig makes, in bytes.
const maxTooBig = MinMTU6

// TooBig writes to dst, which has room for MinMTU6 bytes, the ICMP message by which a router
// answers a packet that does not fit the next link, of mtu bytes, and may not be fragmented:
// "fragmentation needed" over IPv4, with the link's MTU (RFC 792, RFC 1191 section 4), "packet too
// big" over IPv6 (RFC 4443 section 3.2). It gives the message's size in bytes; 0 if the packet must
// not be answered: it is an ICMP error itself, a fragment other than the first, was sent to many or
// came from no single host (RFC 1122 section 3.2.2, RFC 4443 section 2.4).
//
// The message comes as from the packet's destination. A system does not take packets from outside
// that have an address of its own as their source, so the near end of the tunnel cannot be it, and
// by the tunnel's device the destination alone is sure to be reached, which is what reverse path
// filters ask (RFC 3704).
func TooBig(dst, packet []byte, mtu int) int {
	switch ippkt.Version(packet) {
	case 4:
		return tooBig4(dst, packet, mtu)
	case 6:
		return tooBig6(dst, packet, mtu)
	}
	return 0
}

func tooBig4(dst, packet []byte, mtu int) int {
	header, total, ok := ipv4Lengths(packet)
	if !ok || !answerable4(packet[:total], header) {
		return 0
	}
	quote := packet[:min(total, icmpQuoted-ippkt.IPv4Len-icmpHeader)]
	n := ippkt.IPv4Len + icmpHeader + len(quote)
	ip, icmp := dst[:ippkt.IPv4Len], dst[ippkt.IPv4Len:n]
	clear(dst[:ippkt.IPv4Len+icmpHeader])
	ip[0], ip[1] = 4<<4|ippkt.IPv4Len/4, icmpPrecedence
	binary.BigEndian.PutUint16(ip[2:], uint16(n))
	binary.BigEndian.PutUint16(ip[6:], ippkt.DontFragment) // it fits every link, and so needs no ID (RFC 6864)
	ip[8], ip[9] = icmpTTL, ippkt.ICMP
	copy(ip[12:], packet[16:20])
	copy(ip[16:], packet[12:16])
	ippkt.IPv4(ip).PutChecksum()
	icmp[0], icmp[1] = icmpUnreachable, icmpFragmentationNeed
	binary.BigEndian.PutUint16(icmp[6:], uint16(min(mtu, 65535)))
	copy(icmp[icmpHeader:], quote)
	binary.BigEndian.PutUint16(icmp[2:], ^ippkt.Fold(ippkt.Sum(0, icmp)))
	return n
}

func answerable4(packet ippkt.IPv4, header int) bool {
	if !oneHost(packet.Source()) || !oneHost(packet.Destination()) || packet.Fragment()&ippkt.FragmentOffset != 0 {
		return false
	}
	return packet.Protocol() != ippkt.ICMP || len(packet) > header && isICMPQuery(packet[header])
}

// isICMPQuery reports whether an ICMP type is a question or its answer, as opposed to an error (RFC
// 1122 section 3.2.2, RFC 8335). What is not known may be one.
func isICMPQuery(kind byte) bool {
	switch kind {
	case 0, 8, 9, 10, 13, 14, 15, 16, 17, 18, 42, 43:
		return true
	}
	return false
}

func tooBig6(dst []byte, packet ippkt.IPv6, mtu int) int {
	total := packet.TotalLen()
	if total > len(packet) || !oneHost(packet.Source()) || !oneHost(packet.Destination()) ||
		isICMP6Error(packet.NextHeader(), packet[ippkt.IPv6Len:total]) {
		return 0
	}
	quote := packet[:min(total, icmp6Quote-ippkt.IPv6Len-icmpHeader)]
	n := ippkt.IPv6Len + icmpHeader + len(quote)
	ip, icmp := dst[:ippkt.IPv6Len], dst[ippkt.IPv6Len:n]
	clear(dst[:ippkt.IPv6Len+icmpHeader])
	ip[0], ip[6], ip[7] = 6<<4, ippkt.ICMPv6, icmpTTL
	binary.BigEndian.PutUint16(ip[4:], uint16(len(icmp)))
	copy(ip[8:], packet[24:40])
	copy(ip[24:], packet[8:24])
	icmp[0] = icmp6TooBig
	binary.BigEndian.PutUint32(icmp[4:], uint32(mtu))
	copy(icmp[icmpHeader:], quote)
	pseudo := ippkt.Sum(uint32(len(icmp))+ippkt.ICMPv6, ip[8:40]) // RFC 8200 section 8.1
	binary.BigEndian.PutUint16(icmp[2:], ^ippkt.Fold(ippkt.Sum(pseudo, icmp)))
	return n
}

// oneHost reports whether an address is one host's, as opposed to nobody's or many's.
func oneHost(a netip.Addr) bool {
	if a.Is4() && a.As4()[0] >= 240 { // reserved, and the limited broadcast
		return false
	}
	return !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback()
}

// isICMP6Error reports whether what follows an IPv6 header is, or may be, an ICMPv6 error or a
// redirect, behind whatever extension headers.
func isICMP6Error(next byte, rest []byte) bool {
	for later := false; ; {
		switch {
		case next == ippkt.ICMPv6:
			return later || len(rest) == 0 || rest[0] < icmp6FirstQuery || rest[0] == icmp6Redirect
		case !ippkt.IsExtension(next):
			return false
		case later:
			return true // nobody can tell
		}
		e, ok := ippkt.ReadExtension(next, rest)
		if !ok {
			return true // nor here
		}
		next, rest, later = e.Next, e.Rest, e.Later
	}
}
