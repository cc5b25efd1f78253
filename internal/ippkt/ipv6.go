package ippkt

import (
	"encoding/binary"
	"net/netip"
)

// IPv6 is a packet of which [Version] is 6 (RFC 8200 section 3).
type IPv6 []byte

// TotalLen is the packet's length in bytes, its header included, as that says.
func (p IPv6) TotalLen() int { return IPv6Len + int(binary.BigEndian.Uint16(p[4:])) }

// NextHeader is what comes after the header: an extension header, or what the packet carries.
func (p IPv6) NextHeader() byte { return p[6] }

// Source is where the packet says that it comes from.
func (p IPv6) Source() netip.Addr { return netip.AddrFrom16([16]byte(p[8:24])) }

// Destination is where the packet goes.
func (p IPv6) Destination() netip.Addr { return netip.AddrFrom16([16]byte(p[24:40])) }

// Extension headers (RFC 8200 section 4, RFC 4302 section 2.2).
const (
	hopByHop        = 0
	routing         = 43
	fragment        = 44
	authentication  = 51
	destination     = 60
	minExtensionLen = 8
)

// Extension is one extension header on the walk from a packet's header to what it carries.
type Extension struct {
	Next  byte   // the header behind it
	Rest  []byte // from there on
	Later bool   // it makes the packet a fragment other than the first: Rest is no header
}

// IsExtension reports whether a header is one that [ReadExtension] reads.
func IsExtension(header byte) bool {
	switch header {
	case hopByHop, routing, fragment, authentication, destination:
		return true
	}
	return false
}

// ReadExtension reads the extension header at the beginning of b; ok is false where it is cut off.
// Header must be one of which IsExtension is true.
func ReadExtension(header byte, b []byte) (e Extension, ok bool) {
	if len(b) < minExtensionLen {
		return e, false
	}
	size := (int(b[1]) + 1) * 8
	switch header {
	case fragment:
		size, e.Later = minExtensionLen, binary.BigEndian.Uint16(b[2:])>>3 != 0
	case authentication:
		size = (int(b[1]) + 2) * 4
	}
	if size > len(b) {
		return e, false
	}
	e.Next, e.Rest = b[0], b[size:]
	return e, true
}
