package capturefile

import (
	"encoding/binary"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Link types that the library has under another number, or not at all: raw IP as the BSDs have it
// (https://www.tcpdump.org/linktypes.html).
const (
	linkRawBSD     layers.LinkType = 12
	linkRawOpenBSD layers.LinkType = 14
)

// linkLayers takes off what lies below IP. Its fields are used again and again, so that a packet
// costs no memory.
type linkLayers struct {
	ethernet layers.Ethernet
	vlan     layers.Dot1Q
	cooked   layers.LinuxSLL
	cooked2  layers.LinuxSLL2
	loopback layers.Loopback
}

// layer is what the library's headers have in common.
type layer interface {
	DecodeFromBytes(data []byte, feedback gopacket.DecodeFeedback) error
	NextLayerType() gopacket.LayerType
	LayerPayload() []byte
}

// first is the header that a link type begins with, nil where that is IP's.
func (l *linkLayers) first(link layers.LinkType) (first layer, known bool) {
	switch link {
	case layers.LinkTypeEthernet:
		return &l.ethernet, true
	case layers.LinkTypeLinuxSLL:
		return &l.cooked, true
	case layers.LinkTypeLinuxSLL2:
		return &l.cooked2, true
	case layers.LinkTypeNull, layers.LinkTypeLoop:
		return &l.loopback, true
	case layers.LinkTypeRaw, layers.LinkTypeIPv4, layers.LinkTypeIPv6, linkRawBSD, linkRawOpenBSD:
		return nil, true
	}
	return nil, false
}

func (l *linkLayers) reads(link layers.LinkType) bool {
	_, known := l.first(link)
	return known
}

// maxTags bounds the headers below IP: an Ethernet frame with two VLAN tags and PPPoE has five.
const maxTags = 8

// strip gives the IP packet in a frame, or nil.
func (l *linkLayers) strip(link layers.LinkType, data []byte) []byte {
	header, _ := l.first(link)
	for range maxTags {
		if header == nil {
			return data
		}
		if header.DecodeFromBytes(data, gopacket.NilDecodeFeedback) != nil {
			return nil
		}
		data = header.LayerPayload()
		switch header.NextLayerType() {
		case layers.LayerTypeIPv4, layers.LayerTypeIPv6:
			return data
		case layers.LayerTypeEthernet:
			header = &l.ethernet
		case layers.LayerTypeDot1Q:
			header = &l.vlan
		case layers.LayerTypePPPoE:
			return stripPPPoE(data)
		default:
			return nil
		}
	}
	return nil
}

// stripPPPoE gives the IPv4 packet in a session's PPPoE packet, or nil (RFC 2516 section 4; the
// library reads these only in a way that takes memory for each).
func stripPPPoE(data []byte) []byte {
	const header = 8 // version and type, code, session, length, the protocol of PPP
	if len(data) < header || data[0] != 0x11 || data[1] != 0 || binary.BigEndian.Uint16(data[6:]) != 0x0021 {
		return nil
	}
	return data[header:]
}
