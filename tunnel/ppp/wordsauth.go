package ppp

import (
	"fmt"
	"strings"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// isAuthProtocol reports whether a protocol may carry what is not to be shown: each link-layer
// protocol (RFC 1661 section 2) but those that are known to carry nothing of the kind, for new ways
// to authenticate are among them.
func isAuthProtocol(proto uint16) bool {
	switch proto {
	case ProtoLCP, 0xC025, 0xC02B, 0xC02D: // the latter are LQR, BACP and BAP
		return false
	}
	return proto >= 0xC000
}

// authWords is what a packet of PAP, CHAP or EAP shows of itself, with a blank in front. What is
// not exactly of the form that it should have is not shown at all: what looks like a name may be a
// piece of a password.
func authWords(proto uint16, p packet) string {
	switch proto {
	case ProtoPAP:
		return papWords(p)
	case ProtoCHAP:
		return chapWords(p)
	case ProtoEAP:
		return eapWords(p)
	}
	return hiddenData(p.data)
}

func hiddenData(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	return fmt.Sprintf(" <%d bytes hidden>", len(data))
}

// papWords hides the password (RFC 1334 section 2.2).
func papWords(p packet) string {
	switch p.code {
	case papRequest:
		name, password, ok := papCredentials(p.data)
		if !ok || len(p.data) != 2+len(name)+len(password) {
			return fmt.Sprintf(" malformed <%d bytes hidden>", len(p.data))
		}
		return fmt.Sprintf(" user=%s password=<hidden>", nameWords([]byte(name)))
	case papAck, papNak:
		text, ok := papMessage(p.data)
		switch {
		case !ok:
			return " malformed" + hiddenData(p.data)
		case len(text) == 0:
			return ""
		}
		return " " + messageWords(text)
	}
	return hiddenData(p.data)
}

// chapWords hides the challenge and whatever is made from it: with both, a password can be searched
// for (RFC 1994 section 4, RFC 2759 sections 3 to 6).
func chapWords(p packet) string {
	switch p.code {
	case chapChallenge, chapResponse:
		value, name, ok := chapValue(p.data)
		if !ok || p.code == chapResponse && len(value) != mschap.ResponseLen && len(value) != 16 {
			return " malformed" + hiddenData(p.data)
		}
		return fmt.Sprintf(" <%d bytes hidden>, name = %s", len(value), nameWords(name))
	case chapSuccess, chapFailure:
		if len(p.data) == 0 {
			return ""
		}
		return " " + messageWords(p.data)
	}
	return hiddenData(p.data)
}

// eapWords shows of EAP what it has in common with CHAP, and of other types their names (RFC 3748
// sections 4 and 5): they may carry passwords.
func eapWords(p packet) string {
	if len(p.data) == 0 || p.code != eapRequest && p.code != eapResponse {
		return hiddenData(p.data)
	}
	typ, body := p.data[0], p.data[1:]
	name := eapTypeNames[typ]
	if name == "" {
		name = fmt.Sprintf("type=%d", typ)
	}
	return " " + name + eapBodyWords(p.code, typ, body)
}

func eapBodyWords(code, typ byte, body []byte) string {
	switch {
	case typ == eapIdentity && code == eapResponse:
		return " name = " + nameWords(body)
	case typ == eapIdentity || typ == eapNotification:
		if len(body) == 0 {
			return ""
		}
		return " " + messageWords(body)
	case typ == eapNak && code == eapResponse && len(body) == 1:
		return " for " + eapTypeName(body[0])
	case typ == eapMSCHAPv2 && code == eapResponse && len(body) == 1 && chapCodes[body[0]] != "":
		return " " + chapCodes[body[0]]
	case typ == eapMSCHAPv2:
		if in, err := parsePacket(body); err == nil && len(in.raw) == len(body) && chapCodes[in.code] != "" {
			return fmt.Sprintf(" %s id=0x%x%s", chapCodes[in.code], in.id, chapWords(in))
		}
		return " malformed" + hiddenData(body)
	}
	return hiddenData(body)
}

// nameWords is a name, which must be text.
func nameWords(name []byte) string {
	if !isText(name) || len(name) > maxNameLen {
		return fmt.Sprintf("<%d bytes, not text>", len(name))
	}
	return fmt.Sprintf("%q", name)
}

// messageWords is what an end says to a login, which must be text.
func messageWords(text []byte) string {
	if !isText(text) {
		return fmt.Sprintf("<%d bytes, not text>", len(text))
	}
	return textWords(hideHex(hideCodedFields(string(text))))
}

// hideCodedFields hides the values of MS-CHAP's fields S and C, which are the authenticator
// response and the next challenge (RFC 2759 sections 5 and 6), wherever a word begins with one.
// Regular expressions would say it in a line; their package is a 20th of a router's file.
func hideCodedFields(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		b.WriteByte(text[i])
		begins := strings.IndexByte("SCsc", text[i]) >= 0 && strings.HasPrefix(text[i+1:], "=") && (i == 0 || !isWordByte(text[i-1]))
		if !begins {
			continue
		}
		b.WriteString("=<hidden>")
		length := strings.IndexAny(text[i:], " \t\n\f\r")
		if length < 0 {
			length = len(text) - i
		}
		i += length - 1
	}
	return b.String()
}

// isWordByte reports whether c is a letter of ASCII, a digit or an underscore.
func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c&^0x20 && c&^0x20 <= 'Z'
}

// longHex is how many hexadecimal digits may be such a value where it does not stand as it should.
const longHex = 16

// hideHex hides what is longHex hexadecimal digits or more.
func hideHex(text string) string {
	var b strings.Builder
	for text != "" {
		digits := len(text) - len(strings.TrimLeft(text, "0123456789abcdefABCDEF"))
		if digits >= longHex {
			b.WriteString("<hidden>")
		} else {
			b.WriteString(text[:digits])
		}
		if text = text[digits:]; text != "" {
			b.WriteByte(text[0])
			text = text[1:]
		}
	}
	return b.String()
}
