package ppp

import (
	"fmt"
	"regexp"

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

// nameWords is a name, which must be text.
func nameWords(name []byte) string {
	if !isText(name) || len(name) > maxNameLen {
		return fmt.Sprintf("<%d bytes, not text>", len(name))
	}
	return fmt.Sprintf("%q", name)
}

// codedField is a field of MS-CHAP's messages whose value is not to be shown: the authenticator
// response and the next challenge (RFC 2759 sections 5 and 6).
var codedField = regexp.MustCompile(`(?i)\b([SC])=\S*`)

// longHex is what may be such a value where it does not stand as it should.
var longHex = regexp.MustCompile(`[0-9A-Fa-f]{16,}`)

// messageWords is what an end says to a login, which must be text.
func messageWords(text []byte) string {
	if !isText(text) {
		return fmt.Sprintf("<%d bytes, not text>", len(text))
	}
	shown := longHex.ReplaceAllString(codedField.ReplaceAllString(string(text), "$1=<hidden>"), "<hidden>")
	return textWords(shown)
}
