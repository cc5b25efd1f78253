package segments

import (
	"bytes"
	"encoding/binary"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// Of a TCP header (RFC 9293 section 3.1).
const (
	tcpSequence = 4
	tcpOffset   = 12
	tcpFlags    = 13
	tcpChecksum = 16
)

// segment is what of a TCP segment says whether it can be joined to another.
type segment struct {
	ip    int // the length of the IP header, and of both
	head  int
	size  int // of the data, bytes
	seq   uint32
	push  bool
	ends  uint32 // ports
	acks  uint32
	state uint32 // data offset, flags but for PSH, and window
}

// parse reads an IP packet. It reports whether that is a TCP segment with data and nothing in its
// headers that joining would lose: what they say besides is compared by sameHeaders.
func (s *segment) parse(p []byte) bool {
	switch ippkt.Version(p) {
	case 4:
		h := ippkt.IPv4(p)
		if h[0] != 0x45 || h.Protocol() != ippkt.TCP || h.IsFragment() || h.TotalLen() != len(p) {
			return false
		}
		s.ip = ippkt.IPv4Len
	case 6:
		h := ippkt.IPv6(p)
		if h.NextHeader() != ippkt.TCP || h.TotalLen() != len(p) {
			return false
		}
		s.ip = ippkt.IPv6Len
	default:
		return false
	}
	if len(p) < s.ip+ippkt.TCPLen {
		return false
	}
	tcp := p[s.ip:]
	n := int(tcp[tcpOffset]>>4) * 4
	if n < ippkt.TCPLen || n >= len(tcp) || tcp[tcpFlags]&^ippkt.FlagPSH != ippkt.FlagACK {
		return false
	}
	s.head, s.size = s.ip+n, len(tcp)-n
	s.ends = binary.BigEndian.Uint32(tcp)
	s.seq = binary.BigEndian.Uint32(tcp[tcpSequence:])
	s.acks = binary.BigEndian.Uint32(tcp[8:])
	s.state = binary.BigEndian.Uint32(tcp[12:]) &^ (ippkt.FlagPSH << 16)
	s.push = tcp[tcpFlags]&ippkt.FlagPSH != 0
	return true
}

// sameFlow reports whether two segments, s of packet p, are of the same connection and direction.
func (s *segment) sameFlow(p []byte, other *segment, q []byte) bool {
	if s.ends != other.ends || s.ip != other.ip {
		return false
	}
	if s.ip == ippkt.IPv4Len {
		return binary.BigEndian.Uint32(p[12:]) == binary.BigEndian.Uint32(q[12:]) &&
			binary.BigEndian.Uint32(p[16:]) == binary.BigEndian.Uint32(q[16:])
	}
	return bytes.Equal(p[8:40], q[8:40])
}

// sameHeaders reports whether two segments of the same flow differ in nothing that joining would
// lose. The IPv4 identification is lost; it says nothing of a packet that is no fragment (RFC 6864
// section 4).
func (s *segment) sameHeaders(p []byte, other *segment, q []byte) bool {
	if s.head != other.head || s.acks != other.acks || s.state != other.state {
		return false
	}
	if s.ip == ippkt.IPv4Len {
		// Type of service, fragment bits and time to live.
		if p[1] != q[1] || p[6] != q[6] || p[8] != q[8] {
			return false
		}
	} else if binary.BigEndian.Uint32(p) != binary.BigEndian.Uint32(q) || p[7] != q[7] {
		return false // traffic class and flow label, hop limit
	}
	for at := s.ip + ippkt.TCPLen; at < s.head; at += 4 {
		if binary.BigEndian.Uint32(p[at:]) != binary.BigEndian.Uint32(q[at:]) {
			return false
		}
	}
	return true
}

// isSound reports whether the packet's checksums are right.
func (s *segment) isSound(p []byte) bool {
	if s.ip == ippkt.IPv4Len && !ippkt.IPv4(p).ChecksumOK() {
		return false
	}
	return ippkt.Fold(ippkt.Sum(pseudoHeader(p, s.ip), p[s.ip:])) == 0xFFFF
}

// pseudoHeader is the sum over the pseudo-header of a TCP segment (RFC 9293 section 3.1, RFC 8200
// section 8.1), of the whole packet p with an IP header of so many bytes.
func pseudoHeader(p []byte, ip int) uint32 {
	addresses := p[12:20]
	if ip == ippkt.IPv6Len {
		addresses = p[8:40]
	}
	return ippkt.Sum(uint32(ippkt.TCP+len(p)-ip), addresses)
}
