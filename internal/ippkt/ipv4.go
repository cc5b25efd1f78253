package ippkt

import (
	"encoding/binary"
	"net/netip"
)

// IPv4 is a packet of which [Version] is 4 (RFC 791 section 3.1).
type IPv4 []byte

// The flags and the offset of a fragment, as Fragment gives them (RFC 791 section 3.1).
const (
	DontFragment   = 0x4000
	MoreFragments  = 0x2000
	FragmentOffset = 0x1FFF // a mask; units of eight bytes
)

// HeaderLen is the header's length in bytes as it is written there, 0 to 60.
func (p IPv4) HeaderLen() int { return int(p[0]&0x0F) * 4 }

// TotalLen is the packet's length in bytes as it is written in the header.
func (p IPv4) TotalLen() int { return int(binary.BigEndian.Uint16(p[2:])) }

// Fragment is the word of the flags and the offset.
func (p IPv4) Fragment() uint16 { return binary.BigEndian.Uint16(p[6:]) }

// IsFragment reports whether the packet is a part of a datagram, the first part included.
func (p IPv4) IsFragment() bool { return p.Fragment()&(MoreFragments|FragmentOffset) != 0 }

// Protocol is what the packet carries.
func (p IPv4) Protocol() byte { return p[9] }

// Source is where the packet says that it comes from.
func (p IPv4) Source() netip.Addr { return netip.AddrFrom4([4]byte(p[12:16])) }

// Destination is where the packet goes.
func (p IPv4) Destination() netip.Addr { return netip.AddrFrom4([4]byte(p[16:20])) }

// Lengths gives the lengths of the header and of the whole packet in bytes; ok is false where they
// cannot be: the header is shorter than its own fixed part, or the packet than its header or than
// the total. Bytes after the total are padding, and allowed.
func (p IPv4) Lengths() (header, total int, ok bool) {
	header, total = p.HeaderLen(), p.TotalLen()
	return header, total, header >= IPv4Len && total >= header && total <= len(p)
}

// ChecksumOK reports whether the header's checksum is right. The lengths must be.
func (p IPv4) ChecksumOK() bool { return Fold(Sum(0, p[:p.HeaderLen()])) == 0xFFFF }

// IPv4Header is what the header of a packet to be made says besides lengths and checksum.
type IPv4Header struct {
	From, To netip.Addr // both IPv4
	Protocol byte       // of what is carried
	ID       uint16
	Fragment uint16 // the word of the flags and the offset
}

// Put writes the header, without options and with a time to live of 64, into the first IPv4Len
// bytes of b; carried is how many bytes come behind it.
func (h IPv4Header) Put(b []byte, carried int) {
	p := IPv4(b[:IPv4Len])
	clear(p)
	p[0], p[8], p[9] = 0x45, 64, h.Protocol
	binary.BigEndian.PutUint16(p[2:], uint16(IPv4Len+carried))
	binary.BigEndian.PutUint16(p[4:], h.ID)
	binary.BigEndian.PutUint16(p[6:], h.Fragment)
	from, to := h.From.As4(), h.To.As4()
	copy(p[12:], from[:])
	copy(p[16:], to[:])
	p.PutChecksum()
}

// PutChecksum writes the checksum of the header, whose length must be right.
func (p IPv4) PutChecksum() {
	binary.BigEndian.PutUint16(p[10:], 0)
	binary.BigEndian.PutUint16(p[10:], ^Fold(Sum(0, p[:p.HeaderLen()])))
}
