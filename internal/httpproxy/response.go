package httpproxy

import (
	"fmt"
	"strconv"
	"strings"
)

// Answer is a whole message of the proxy's own, after which the connection ends.
func Answer(code int, text string) []byte {
	more := ""
	if code == 407 {
		more = "Proxy-Authenticate: Basic realm=\"arc4\", charset=\"UTF-8\"\r\n"
	}
	body := text + "\n"
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\n%sContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", code, reasons[code], more, len(body), body)
}

// Established is the answer to CONNECT when the server is reached.
func Established() []byte { return []byte("HTTP/1.1 200 Connection established\r\n\r\n") }

var reasons = map[int]string{
	400: "Bad Request", 403: "Forbidden", 407: "Proxy Authentication Required", 431: "Request Header Fields Too Large",
	501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
}

// Response is the head of a server's answer as the client gets it: it says that the connection ends
// after it. final is false for an answer before the answer, such as 100 Continue.
func Response(head []byte) (changed []byte, final bool, err error) {
	line, fields, err := split(head)
	if err != nil {
		return nil, false, err
	}
	version, rest, _ := strings.Cut(line, " ")
	text, _, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(text)
	if err != nil || len(text) != 3 || !isVersion1(version) {
		return nil, false, bad("no answer of HTTP")
	}
	if code < 200 {
		return head, code == 101, nil // 101: another protocol begins
	}
	b := []byte(line + "\r\n")
	for _, f := range endToEnd(fields, false) {
		b = f.append(b)
	}
	return append(b, "Connection: close\r\n\r\n"...), true, nil
}
