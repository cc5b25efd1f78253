package session

import (
	"bytes"
	"encoding/binary"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// segment is what of a TCP segment decides whether the next one can be joined to it (the device's
// GRO): a segment joins the one before it if it is of the same flow, follows it in sequence, has
// the same options, timestamps included, and is no longer; nothing joins behind a segment with PSH
// or behind a shorter one.
type segment struct {
	ends    []byte // addresses and ports' bytes, compared as they stand; nil: not a segment with data
	ports   []byte
	options []byte
	seq     uint32
	size    int // of its data, bytes
	last    bool
}

// parseSegment reads an IP packet; what is no plain TCP segment with data gives the zero segment.
func parseSegment(ip []byte) segment {
	var head int
	var s segment
	switch ippkt.Version(ip) {
	case 4:
		h := ippkt.IPv4(ip)
		if h.HeaderLen() != ippkt.IPv4Len || h.Protocol() != ippkt.TCP || h.IsFragment() || h.TotalLen() != len(ip) {
			return segment{}
		}
		head, s.ends = ippkt.IPv4Len, ip[12:20]
	case 6:
		h := ippkt.IPv6(ip)
		if h.NextHeader() != ippkt.TCP || h.TotalLen() != len(ip) {
			return segment{}
		}
		head, s.ends = ippkt.IPv6Len, ip[8:40]
	default:
		return segment{}
	}
	tcp := ip[head:]
	if len(tcp) < ippkt.TCPLen {
		return segment{}
	}
	offset := int(tcp[12]>>4) * 4
	flags := tcp[13]
	if offset < 20 || len(tcp) <= offset || flags&^ippkt.FlagPSH != ippkt.FlagACK {
		return segment{}
	}
	s.ports, s.options = tcp[:4], tcp[20:offset]
	s.seq = binary.BigEndian.Uint32(tcp[4:])
	s.size = len(tcp) - offset
	s.last = flags&ippkt.FlagPSH != 0
	return s
}

// joins reports whether s can be joined to prev, the last of its run.
func (s *segment) joins(prev *segment) bool {
	return s.ends != nil && prev.ends != nil && !prev.last && s.size <= prev.size &&
		s.seq == prev.seq+uint32(prev.size) && bytes.Equal(s.ports, prev.ports) &&
		bytes.Equal(s.ends, prev.ends) && bytes.Equal(s.options, prev.options)
}
