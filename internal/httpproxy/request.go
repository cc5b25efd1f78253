// Package httpproxy reads and writes the heads of HTTP/1 messages as a proxy has to: CONNECT, and
// requests whose target is a whole URI (RFC 9110 sections 7.6.1 and 9.3.6, RFC 9112 sections 3 and
// 6). It has no sockets. net/http does more, and weighs more than all the rest of a proxy.
package httpproxy

import (
	"encoding/base64"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// MaxHead is the longest head of a message that is read, in bytes.
const MaxHead = 32 << 10

// UntilEnd is a Request's Body that ends where the connection does.
const UntilEnd = -1

// Error is what is wrong with a request, with the status code of the answer.
type Error struct {
	Code int
	Text string
}

func (e *Error) Error() string { return e.Text }

func bad(text string) error { return &Error{Code: 400, Text: text} }

// Request is what a client asks a proxy for.
type Request struct {
	Method  string
	Address string // HOST:PORT to connect to

	// Head is what the server at Address is told in the place of the head that came: nothing for
	// CONNECT, after which the client speaks to the server itself. It asks for the end of the
	// connection after the answer, so that there is one request in each.
	Head []byte
	Body int64 // bytes that follow the head, or UntilEnd

	User, Password string
	Authorized     bool // user and password were given
}

// Connect reports whether the client speaks to the server itself once that is reached.
func (r Request) Connect() bool { return r.Method == "CONNECT" }

// Parse reads a head, with the empty line that ends it. Errors are *Error.
func Parse(head []byte) (Request, error) {
	line, fields, err := split(head)
	if err != nil {
		return Request{}, err
	}
	method, rest, _ := strings.Cut(line, " ")
	target, version, ok := strings.Cut(rest, " ")
	switch {
	case !ok || !isToken(method) || target == "" || strings.ContainsAny(target, " \t"):
		return Request{}, bad("no request of HTTP")
	case !isVersion1(version):
		return Request{}, &Error{Code: 505, Text: "HTTP/1.0 and HTTP/1.1 are spoken here"}
	}
	r := Request{Method: method}
	if value, given := only(fields, "Proxy-Authorization"); given {
		r.User, r.Password, r.Authorized = basic(value)
	}
	if r.Connect() {
		r.Body = UntilEnd
		r.Address, err = hostPort(target, "")
		return r, err
	}
	u, err := url.Parse(target)
	switch {
	case err != nil || u.Host == "":
		return r, bad("this is a proxy: the target of a request is a whole URI, such as http://example.net/")
	case !strings.EqualFold(u.Scheme, "http"):
		return r, bad("only http:// is passed on; for others there is CONNECT")
	}
	if r.Address, err = hostPort(u.Host, "80"); err != nil {
		return r, err
	}
	if r.Body, err = bodyOf(fields); err != nil {
		return r, err
	}
	r.Head = r.rewrite(u, version, fields)
	return r, nil
}

// isVersion1 reports whether a version is one of HTTP/1.
func isVersion1(v string) bool { return v == "HTTP/1.0" || v == "HTTP/1.1" }

// rewrite is the head as the server gets it.
func (r *Request) rewrite(u *url.URL, version string, fields []field) []byte {
	path := u.EscapedPath()
	switch {
	case r.Method == "OPTIONS" && path == "" && u.RawQuery == "":
		path = "*"
	case !strings.HasPrefix(path, "/"):
		path = "/" + path
	}
	if u.ForceQuery || u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	b := []byte(r.Method + " " + path + " " + version + "\r\nHost: " + u.Host + "\r\n")
	upgrades := hasToken(fields, "Connection", "upgrade")
	for _, f := range endToEnd(fields, upgrades) {
		if !strings.EqualFold(f.name, "Host") {
			b = f.append(b)
		}
	}
	if upgrades {
		return append(b, "Connection: Upgrade\r\n\r\n"...)
	}
	return append(b, "Connection: close\r\n\r\n"...)
}

// bodyOf is how long a request's body is. What two readers could take for two lengths is refused
// (RFC 9112 section 6.3).
func bodyOf(fields []field) (int64, error) {
	lengths, coded := values(fields, "Content-Length"), values(fields, "Transfer-Encoding")
	switch {
	case len(coded) > 0 && len(lengths) > 0, len(lengths) > 1, len(coded) > 1:
		return 0, bad("the length of the request's body is given twice")
	case len(coded) > 0 && !strings.EqualFold(coded[0], "chunked"):
		return 0, &Error{Code: 501, Text: "of transfer codings chunked alone is passed on"}
	case len(coded) > 0, hasToken(fields, "Connection", "upgrade"):
		return UntilEnd, nil
	case len(lengths) == 0:
		return 0, nil
	}
	n, err := strconv.ParseUint(lengths[0], 10, 63)
	if err != nil {
		return 0, bad("the length of the request's body is no number")
	}
	return int64(n), nil
}

// hostPort completes an authority; port is what it has if it does not say, empty: it must.
func hostPort(authority, port string) (string, error) {
	host, given, err := net.SplitHostPort(authority)
	if err != nil {
		host, given = strings.TrimSuffix(strings.TrimPrefix(authority, "["), "]"), port
		if strings.ContainsAny(host, "[]") || strings.Contains(host, ":") != strings.HasPrefix(authority, "[") {
			return "", bad("no host, or none that can be told from its port")
		}
	}
	if given == "" {
		given = port
	}
	n, err := strconv.ParseUint(given, 10, 16)
	if host == "" || err != nil || n == 0 || strings.ContainsAny(host, "@/ \t") {
		return "", bad("the host or the port to connect to is missing, or malformed")
	}
	return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
}

// basic reads what RFC 7617 has for user and password.
func basic(value string) (user, password string, ok bool) {
	scheme, encoded, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(b), ":")
}
