package tunneltest

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// The addresses of the two ends of a tunnel: those that carry it, and those inside.
var (
	ServerOuter = netip.MustParseAddr("127.0.0.2")
	ClientOuter = netip.MustParseAddr("127.0.0.1")
	ServerIP    = netip.MustParseAddr("10.99.0.1")
	ClientIP    = netip.MustParseAddr("10.99.0.100")
)

// Packet makes a sound IPv4 packet with a number in it.
func Packet(from, to netip.Addr, number uint32, size int) []byte {
	p := make([]byte, max(size, 24))
	const forExperiments = 253 // a protocol (RFC 3692)
	ippkt.IPv4Header{From: from, To: to, Protocol: forExperiments}.Put(p, len(p)-ippkt.IPv4Len)
	binary.BigEndian.PutUint32(p[20:], number)
	return p
}

// Number is the number in a packet that Packet has made.
func Number(p []byte) uint32 { return binary.BigEndian.Uint32(p[20:]) }

// GREPacket is a PPP frame in enhanced GRE.
func GREPacket(callID uint16, seq uint32, frame []byte) []byte {
	h := gre.Header{CallID: callID, PayloadLen: uint16(len(frame)), HasSeq: true, Seq: seq}
	return append(h.AppendTo(nil), frame...)
}

// Renumbered is a copy of a packet under another sequence number.
func Renumbered(p []byte, seq uint32) []byte {
	p = slices.Clone(p)
	binary.BigEndian.PutUint32(p[gre.MinHeader:], seq)
	return p
}

// ControlFrame is a packet of a PPP control protocol (RFC 1661 section 5).
func ControlFrame(proto uint16, code, id byte, data []byte) []byte {
	b := ppp.AppendHeader(nil, proto, false, false)
	b = append(b, code, id)
	b = binary.BigEndian.AppendUint16(b, uint16(4+len(data)))
	return append(b, data...)
}

// MPPEFrame is a frame that looks encrypted: flags and coherency count, then anything (RFC 3078
// section 3).
func MPPEFrame(header uint16, body []byte) []byte {
	b := ppp.AppendHeader(nil, ppp.ProtoCompressed, false, false)
	return append(binary.BigEndian.AppendUint16(b, header), body...)
}

// WithFlags sets an IPv4 packet's flags and fragment offset, and its checksum.
func WithFlags(p []byte, flags uint16) []byte {
	binary.BigEndian.PutUint16(p[6:], flags)
	binary.BigEndian.PutUint16(p[10:], 0)
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	sum = sum&0xFFFF + sum>>16
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum+sum>>16))
	return p
}

// Flags of an IPv4 header (RFC 791 section 3.1).
const DontFragment, MoreFragments = 0x4000, 0x2000

// Marker fills the packets of Packet6, and of tests, so that they are known on the wire.
var Marker = []byte("nobody on the way may read this")

// Packet6 makes a sound IPv6 packet with a number in it.
func Packet6(from, to netip.Addr, number uint32, size int) []byte {
	p := make([]byte, max(size, 44+len(Marker)))
	p[0] = 0x60
	binary.BigEndian.PutUint16(p[4:], uint16(len(p)-40))
	p[6], p[7] = 253, 64 // a protocol for experiments; hop limit
	copy(p[8:24], from.AsSlice())
	copy(p[24:40], to.AsSlice())
	binary.BigEndian.PutUint32(p[40:], number)
	copy(p[44:], Marker)
	return p
}
