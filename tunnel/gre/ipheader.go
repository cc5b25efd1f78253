package gre

import (
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// stripIPv4 takes the IP header off a datagram as a Linux raw socket delivers it (RFC 791 section
// 3.1) and returns the source address and what the datagram carries. Bytes after the total length
// are cut.
func stripIPv4(b []byte) (src netip.Addr, data []byte, ok bool) {
	if ippkt.Version(b) != 4 {
		return netip.Addr{}, nil, false
	}
	header, total, ok := ippkt.IPv4(b).Lengths()
	if !ok {
		return netip.Addr{}, nil, false
	}
	return ippkt.IPv4(b).Source(), b[header:total], true
}
