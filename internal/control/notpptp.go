package control

import (
	"bytes"
	"fmt"
)

// foreign are beginnings of what other servers and clients say first.
var foreign = []struct {
	begins string
	speaks string
}{
	{"SSH-", "SSH"},
	{"HTTP/", "HTTP"},
	{"<!DOCTYPE", "HTTP"},
	{"<html", "HTTP"},
	{"GET ", "HTTP"},
	{"POST ", "HTTP"},
	{"HEAD ", "HTTP"},
	{"OPTIONS ", "HTTP"},
	{"CONNECT ", "HTTP"},
	{"PRI * HTTP/2", "HTTP"},
	{"220 ", "SMTP or FTP"},
	{"220-", "SMTP or FTP"},
	{"421 ", "SMTP or FTP"},
	{"+OK", "POP3"},
	{"* OK", "IMAP"},
	{"RFB ", "VNC"},
	{"\x15\x03", "TLS"}, // an alert
	{"\x16\x03", "TLS"}, // a handshake
	{"\x03\x00\x00", "RDP"},
	{"\xFF\xFB", "telnet"}, // IAC WILL
	{"\xFF\xFD", "telnet"}, // IAC DO
}

// shownFirst is how much of what such a peer says first is shown, in bytes.
const shownFirst = 40

// foreignText says what a peer speaks whose first bytes are no control message.
func foreignText(peer string, first []byte) string {
	for _, f := range foreign {
		begins := []byte(f.begins)
		// TCP may bring it in pieces, and the second byte shows already that it is no control
		// message.
		if bytes.HasPrefix(first, begins) || len(first) > 1 && bytes.HasPrefix(begins, first) {
			return fmt.Sprintf("the %s does not speak PPTP on this port: what it says is %s", peer, f.speaks)
		}
	}
	return fmt.Sprintf("the %s does not speak PPTP on this port: it begins with %s", peer, quoteBytes(first))
}

// quoteBytes shows text as text, and all else in hexadecimal.
func quoteBytes(b []byte) string {
	b = b[:min(len(b), shownFirst)]
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t' {
			return fmt.Sprintf("bytes %x", b)
		}
	}
	return quote(string(b))
}
