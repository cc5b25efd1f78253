package uplink

import (
	"encoding/binary"
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

const (
	ethernetLen = 14
	ipv4Len     = ippkt.IPv4Len
	headerLen   = ethernetLen + ipv4Len

	hopLimit = 64
)

// mac is an Ethernet address.
type mac [6]byte

// header is what stands before each GRE packet of one path: Ethernet (RFC 894) and IPv4 (RFC 791
// section 3.1) without options. Length, identification and checksum are each packet's own.
type header struct {
	bytes [headerLen]byte
	sum   uint32 // of the IPv4 header with those three fields zero
}

// newHeader lays out the header of a path.
func newHeader(from, to mac, local, peer netip.Addr) header {
	var h header
	b := h.bytes[:]
	copy(b[0:], to[:])
	copy(b[6:], from[:])
	binary.BigEndian.PutUint16(b[12:], 0x0800)
	ip := b[ethernetLen:]
	ip[0] = 0x45
	ip[8], ip[9] = hopLimit, ippkt.GRE
	src, dst := local.As4(), peer.As4()
	copy(ip[12:], src[:])
	copy(ip[16:], dst[:])
	h.sum = ippkt.Sum(0, ip[:ipv4Len])
	return h
}

// put writes the header of a packet with payload bytes behind it into b, headerLen bytes.
func (h *header) put(b []byte, payload int, id uint16) {
	copy(b[:headerLen], h.bytes[:])
	length := uint32(ipv4Len + payload)
	sum := ippkt.Fold(h.sum + length + uint32(id))
	binary.BigEndian.PutUint16(b[ethernetLen+2:], uint16(length))
	binary.BigEndian.PutUint16(b[ethernetLen+4:], id)
	binary.BigEndian.PutUint16(b[ethernetLen+10:], ^sum)
}
