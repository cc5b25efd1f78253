package capture

import (
	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// kept is how many bytes of a packet, which comes in two parts, a capture of headers keeps; ok is
// false where it keeps nothing. What stays is what a tunnel is negotiated with, and of each packet
// who sends it to whom, in which order; what is carried goes, and so does each login. Of what is
// not understood the IP header stays.
func kept(on int, a, b []byte) (n int, ok bool) {
	if on == onInner {
		return headersOf(a), true
	}
	if ippkt.Version(a) != 4 {
		return 0, false
	}
	header := ippkt.IPv4(a).HeaderLen()
	if header < ippkt.IPv4Len || header > len(a) {
		return 0, false
	}
	if on == onControl {
		// A message of the control connection has no secrets in it (RFC 2637 section 2).
		return len(a) + len(b), true
	}
	if b == nil {
		a, b = a[:header], a[header:]
	}
	if len(a) != header || ippkt.IPv4(a).IsFragment() || ippkt.IPv4(a).Protocol() != ippkt.GRE {
		return header, true
	}
	n, ok = keptOfGRE(b)
	return header + n, ok
}

// mppeHeader is what stands before what MPPE encrypts (RFC 3078 section 3).
const mppeHeader = 2

// keptOfGRE is the same of a GRE packet without its IP header, which may be cut off.
func keptOfGRE(b []byte) (n int, ok bool) {
	header, payload := splitGRE(b)
	if len(payload) == 0 {
		return header, true
	}
	protocol, information, err := ppp.ParseFrame(payload)
	if err != nil {
		return header, true
	}
	before := header + len(payload) - len(information)
	switch protocol {
	case ppp.ProtoPAP, ppp.ProtoCHAP, ppp.ProtoEAP:
		return 0, false
	case ppp.ProtoLCP, ppp.ProtoIPCP, ppp.ProtoIPV6CP, ppp.ProtoCCP:
		return before + keptOfPackets(information), true
	case ppp.ProtoCompressed:
		return before + min(len(information), mppeHeader), true
	case ppp.ProtoIPv4, ppp.ProtoIPv6:
		return before + headersOf(information), true
	}
	return before, true
}

// splitGRE takes the header off a packet. Unlike gre.Parse it takes one that is cut off.
func splitGRE(b []byte) (header int, payload []byte) {
	const sequence, acknowledgment = 0x10, 0x80 // in the first and in the second byte
	if len(b) < gre.MinHeader || b[0]&^sequence != 0x20 || b[1]&^acknowledgment != 0x01 {
		return min(len(b), gre.MinHeader), nil
	}
	header = gre.MinHeader
	if b[0]&sequence != 0 {
		header += 4
	}
	if b[1]&acknowledgment != 0 {
		header += 4
	}
	if header > len(b) {
		return len(b), nil
	}
	return header, b[header:]
}

// Codes of LCP and the protocols like it (RFC 1661 section 5).
const (
	configureRequest = 1
	terminateAck     = 6
	codeHeader       = 4 // code, identifier, length
)

// keptOfPackets keeps what a link is negotiated with, and ended; of other packets, of which a
// Protocol-Reject may quote a login, the header.
func keptOfPackets(b []byte) int {
	if len(b) > 0 && b[0] >= configureRequest && b[0] <= terminateAck {
		return len(b)
	}
	return min(len(b), codeHeader)
}

// headersOf is how much of an IP packet are headers, its transport's among them. The packet may be
// cut off.
func headersOf(b []byte) int {
	switch ippkt.Version(b) {
	case 4:
		p := ippkt.IPv4(b)
		header := max(p.HeaderLen(), ippkt.IPv4Len)
		if header >= len(b) || p.Fragment()&ippkt.FragmentOffset != 0 {
			return min(header, len(b))
		}
		return header + transportHeader(p.Protocol(), b[header:])
	case 6:
		next, rest := ippkt.IPv6(b).NextHeader(), b[ippkt.IPv6Len:]
		for ippkt.IsExtension(next) {
			e, ok := ippkt.ReadExtension(next, rest)
			if !ok {
				return len(b) - len(rest)
			}
			next, rest = e.Next, e.Rest
			if e.Later {
				return len(b) - len(rest)
			}
		}
		return len(b) - len(rest) + transportHeader(next, rest)
	}
	return 0
}

// transportHeader is how much of b is a transport's header.
func transportHeader(protocol byte, b []byte) int {
	const shortest = 8 // of UDP and of ICMP's messages
	switch protocol {
	case ippkt.TCP:
		if len(b) < ippkt.TCPLen {
			return len(b)
		}
		return min(len(b), max(int(b[12]>>4)*4, ippkt.TCPLen))
	case ippkt.UDP, ippkt.ICMP, ippkt.ICMPv6, ippkt.GRE:
		return min(len(b), shortest)
	}
	return 0
}
