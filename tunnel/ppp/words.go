package ppp

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWords is the longest text that Words gives, in bytes.
const maxWords = 1500

// What a frame may show of itself at most: bytes in hex, options of a list, bytes of a text,
// rejects within rejects.
const (
	maxHexWords  = 16
	maxOptions   = 32
	maxRejection = 2
)

// Words puts a PPP control frame, from its address or protocol field on, into words on one line, in
// the manner of pppd's debug: `[LCP ConfReq id=0x1 <mru 1404> <magic 0x5d2a7f11>]`. Whatever bytes
// it is given, the text is at most maxWords long, printable, and holds nothing with which somebody
// could log in or guess a password from: passwords, and the values of challenges and of their
// answers, are shown as their lengths.
func Words(frame []byte) string {
	return limitWords("[" + frameWords(frame) + "]")
}

// limitWords cuts a text that is too long.
func limitWords(s string) string {
	const cut = "...]"
	if len(s) <= maxWords {
		return s
	}
	s = s[:maxWords-len(cut)]
	for len(s) > 0 && !utf8.ValidString(s[len(s)-min(len(s), utf8.UTFMax):]) {
		s = s[:len(s)-1]
	}
	return s + cut
}

func frameWords(frame []byte) string {
	proto, info, err := ParseFrame(frame)
	if err != nil {
		// Where the fields are not what they should be, only those are shown: what follows may be
		// anything.
		return fmt.Sprintf("malformed frame, %d bytes: % x", len(frame), frame[:min(len(frame), 4)])
	}
	return infoWords(proto, info, 0)
}

// infoWords is what follows the protocol field. Rejects may hold rejects, as deep as depth counts.
func infoWords(proto uint16, info []byte, depth int) string {
	name := protocolName(proto)
	known, isKnown := packetKinds[proto]
	switch {
	case proto == ProtoIPv4 || proto == ProtoIPv6 || proto == ProtoCompressed:
		return fmt.Sprintf("%s %d bytes", name, len(info))
	case !isKnown && (isAuthProtocol(proto) || depth > 0):
		return fmt.Sprintf("%s %d bytes hidden", name, len(info))
	case !isKnown:
		return fmt.Sprintf("%s %d bytes%s", name, len(info), hexWords(": ", info))
	}
	p, err := parsePacket(info)
	if err != nil {
		s := fmt.Sprintf("%s malformed packet, %d bytes", name, len(info))
		if depth > 0 || isAuthProtocol(proto) {
			return s
		}
		return s + hexWords(": ", info)
	}
	code, ok := known.codes[p.code]
	if !ok {
		code = fmt.Sprintf("code=%d", p.code)
	}
	s := fmt.Sprintf("%s %s id=0x%x", name, code, p.id)
	if isAuthProtocol(proto) {
		s += authWords(proto, p)
	} else {
		s += known.words(p, depth)
	}
	if padding := len(info) - len(p.raw); padding > 0 {
		s += fmt.Sprintf(" +%d bytes of padding", padding)
	}
	return s
}

// packetKind says how the packets of a protocol read.
type packetKind struct {
	codes   map[byte]string
	options func(o option) string // of Configure packets; "" where the option has no words
}

// packetKinds are the protocols whose packets have the form of RFC 1661 section 5.
var packetKinds = map[uint16]packetKind{
	ProtoLCP:    {codes: lcpCodes, options: lcpOptionWords},
	ProtoCCP:    {codes: ccpCodes, options: ccpOptionWords},
	ProtoIPCP:   {codes: ncpCodes, options: ipcpOptionWords},
	ProtoIPV6CP: {codes: ncpCodes, options: ipv6cpOptionWords},
	ProtoPAP:    {codes: map[byte]string{papRequest: "AuthReq", papAck: "AuthAck", papNak: "AuthNak"}},
	ProtoCHAP:   {codes: chapCodes},
	ProtoEAP:    {codes: map[byte]string{eapRequest: "Request", eapResponse: "Response", eapSuccess: "Success", eapFailure: "Failure"}},
}

var chapCodes = map[byte]string{chapChallenge: "Challenge", chapResponse: "Response", chapSuccess: "Success", chapFailure: "Failure"}

// ncpCodes are those that every control protocol has, in pppd's words.
var ncpCodes = map[byte]string{
	codeConfigureRequest: "ConfReq", codeConfigureAck: "ConfAck", codeConfigureNak: "ConfNak", codeConfigureReject: "ConfRej",
	codeTerminateRequest: "TermReq", codeTerminateAck: "TermAck", codeCodeReject: "CodeRej",
}

var lcpCodes = withCodes(map[byte]string{
	codeProtocolReject: "ProtRej", codeEchoRequest: "EchoReq", codeEchoReply: "EchoRep", codeDiscardRequest: "DiscReq",
	codeIdentification: "Ident", codeTimeRemaining: "TimeRem",
})

var ccpCodes = withCodes(map[byte]string{codeResetRequest: "ResetReq", codeResetAck: "ResetAck"})

func withCodes(more map[byte]string) map[byte]string {
	for code, name := range ncpCodes {
		more[code] = name
	}
	return more
}

// protocolNames are of protocols that PPTP peers speak, or that odd ones try (the IANA list of
// PPP's numbers).
var protocolNames = map[uint16]string{
	ProtoIPv4: "IP", ProtoIPv6: "IPv6", ProtoCompressed: "Compressed",
	ProtoIPCP: "IPCP", ProtoIPV6CP: "IPV6CP", ProtoCCP: "CCP", ProtoLCP: "LCP", ProtoPAP: "PAP", ProtoCHAP: "CHAP", ProtoEAP: "EAP",
	0x8029: "ATCP", 0x802B: "IPXCP", 0x803F: "NBFCP", 0x8053: "ECP", 0x8281: "MPLSCP", 0x80FB: "ILCCP", 0x8031: "BCP",
	0xC025: "LQR", 0xC027: "SPAP", 0xC029: "CBCP", 0xC02B: "BACP", 0xC02D: "BAP", 0xC123: "SPAP-old",
}

// protocolName is a protocol's name, and its number where that says more.
func protocolName(proto uint16) string {
	name, ok := protocolNames[proto]
	if _, known := packetKinds[proto]; ok && (known || proto < 0x8000) {
		return name
	}
	if ok {
		return fmt.Sprintf("%s (0x%04x)", name, proto)
	}
	return fmt.Sprintf("protocol 0x%04x", proto)
}

// words is what a packet holds beyond its code and identifier, with a blank in front.
func (k packetKind) words(p packet, depth int) string {
	switch p.code {
	case codeConfigureRequest, codeConfigureAck, codeConfigureNak, codeConfigureReject:
		return k.optionList(p.data, depth)
	case codeTerminateRequest, codeTerminateAck:
		if len(p.data) == 0 {
			return ""
		}
		return " " + reasonWords(p.data)
	case codeCodeReject:
		// Only what is needed to tell which packet it was: a peer may return one of another
		// protocol.
		if len(p.data) < headerLen {
			return " malformed"
		}
		name, ok := k.codes[p.data[0]]
		if !ok {
			name = fmt.Sprintf("code=%d", p.data[0])
		}
		return fmt.Sprintf(" of %s id=0x%x, %d bytes", name, p.data[1], len(p.data))
	}
	if _, isLCP := k.codes[codeEchoRequest]; isLCP {
		return lcpWords(p, depth)
	}
	if len(p.data) == 0 || depth > 0 {
		return ""
	}
	return fmt.Sprintf(" %d bytes%s", len(p.data), hexWords(": ", p.data))
}

// lcpWords are the packets that LCP has alone (RFC 1661 sections 5.7 to 5.9, RFC 1570 section 2).
func lcpWords(p packet, depth int) string {
	if p.code == codeProtocolReject {
		return rejectWords(p.data, depth)
	}
	if len(p.data) < 4 {
		return " malformed, without a magic number"
	}
	s := fmt.Sprintf(" magic=0x%x", binary.BigEndian.Uint32(p.data))
	rest := p.data[4:]
	switch {
	case len(rest) == 0:
		return s
	case p.code == codeIdentification && isText(rest):
		return s + " " + textWords(string(rest))
	case p.code == codeTimeRemaining && len(rest) >= 4:
		return s + fmt.Sprintf(" %d seconds", binary.BigEndian.Uint32(rest))
	}
	return s + fmt.Sprintf(" +%d bytes", len(rest))
}

// rejectWords is the packet that the peer rejected with its protocol.
func rejectWords(data []byte, depth int) string {
	if len(data) < 2 {
		return " malformed"
	}
	proto := binary.BigEndian.Uint16(data)
	if depth >= maxRejection {
		return fmt.Sprintf(" of %s, %d bytes", protocolName(proto), len(data)-2)
	}
	return " of [" + infoWords(proto, data[2:], depth+1) + "]"
}

// optionList is the options of a Configure packet, each in angle brackets.
func (k packetKind) optionList(list []byte, depth int) string {
	var s strings.Builder
	for n := 0; len(list) > 0; n++ {
		if n == maxOptions {
			fmt.Fprintf(&s, " and %d bytes of options more", len(list))
			break
		}
		o, rest, err := nextOption(list)
		if err != nil {
			fmt.Fprintf(&s, " malformed option, %d bytes", len(list))
			if depth == 0 {
				s.WriteString(hexWords(": ", list))
			}
			break
		}
		words := k.options(o)
		switch {
		case words != "":
		case depth > 0: // what is quoted is not shown where it is not understood
			words = fmt.Sprintf("%d, %d bytes", o.typ, len(o.value))
		default:
			words = fmt.Sprintf("%d%s", o.typ, hexWords(" ", o.value))
		}
		s.WriteString(" <" + words + ">")
		list = rest
	}
	return s.String()
}

// hexWords is the beginning of what there are no words for, with a prefix unless it is empty.
func hexWords(prefix string, b []byte) string {
	switch {
	case len(b) == 0:
		return ""
	case len(b) > maxHexWords:
		return fmt.Sprintf("%s% x ...", prefix, b[:maxHexWords])
	}
	return fmt.Sprintf("%s% x", prefix, b)
}

// reasonWords is what a peer says of its leaving: text in quotation marks, at most maxPeerText
// bytes of it, or the beginning of what is none. Windows sends a number.
func reasonWords(b []byte) string {
	if isText(b) {
		return textWords(string(b))
	}
	return fmt.Sprintf("%d bytes%s", len(b), hexWords(": ", b))
}

// textWords is text in quotation marks, at most maxPeerText bytes of it.
func textWords(s string) string {
	if len(s) <= maxPeerText {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q...", strings.ToValidUTF8(s[:maxPeerText], ""))
}

// isText reports whether bytes are text, with nothing in it that does not print.
func isText(b []byte) bool {
	for _, r := range string(b) {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
