package gre

import (
	"encoding/binary"
	"net/netip"
)

// stripIPv4 takes the IP header off a datagram as a Linux raw socket delivers it (RFC 791 section
// 3.1) and returns the source address and what the datagram carries. Bytes after the total length
// are cut.
func stripIPv4(b []byte) (src netip.Addr, data []byte, ok bool) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return netip.Addr{}, nil, false
	}
	header := int(b[0]&0x0F) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if header < 20 || total < header || total > len(b) {
		return netip.Addr{}, nil, false
	}
	return netip.AddrFrom4([4]byte(b[12:16])), b[header:total], true
}
