package httpproxy

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		in, address, head string
		body              int64
	}{
		"connect":          {"CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n\r\n", "h.example:443", "", UntilEnd},
		"connect, IPv6":    {"CONNECT [fd00::1]:22 HTTP/1.1\r\n\r\n", "[fd00::1]:22", "", UntilEnd},
		"a whole URI":      {"GET http://h.example/a?b=c HTTP/1.1\r\nHost: evil\r\nAccept: x\r\n\r\n", "h.example:80", "GET /a?b=c HTTP/1.1\r\nHost: h.example\r\nAccept: x\r\nConnection: close\r\n\r\n", 0},
		"no path":          {"GET http://h.example:81 HTTP/1.0\r\n\r\n", "h.example:81", "GET / HTTP/1.0\r\nHost: h.example:81\r\nConnection: close\r\n\r\n", 0},
		"lines end in LF":  {"GET HTTP://h/ HTTP/1.1\nA: b\n\n", "h:80", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nConnection: close\r\n\r\n", 0},
		"of one hop alone": {"GET http://h/ HTTP/1.1\r\nConnection: keep-alive, X-Own\r\nKeep-Alive: 5\r\nX-Own: 1\r\nProxy-Connection: x\r\nTE: gzip\r\nProxy-Authorization: Basic Ym9iOmJ1aWxkZXI=\r\n\r\n", "h:80", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0},
		"a body":           {"POST http://h/ HTTP/1.1\r\nContent-Length: 5\r\n\r\n", "h:80", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", 5},
		"a body in chunks": {"POST http://h/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "h:80", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", UntilEnd},
		"an upgrade":       {"GET http://h/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "h:80", "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", UntilEnd},
		"of the server":    {"OPTIONS http://h HTTP/1.1\r\n\r\n", "h:80", "OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Parse([]byte(c.in))
			require.NoError(t, err)
			assert.Equal(t, c.address, r.Address)
			assert.Equal(t, c.head, string(r.Head))
			assert.Equal(t, c.body, r.Body)
		})
	}
	r, err := Parse([]byte("CONNECT h:1 HTTP/1.1\r\nProxy-Authorization: basic Ym9iOmJ1aTpsZGVy\r\n\r\n"))
	require.NoError(t, err)
	assert.True(t, r.Authorized)
	assert.Equal(t, []string{"bob", "bui:lder"}, []string{r.User, r.Password})
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		code int
	}{
		"no end":               {"GET http://h/ HTTP/1.1\r\n", 400},
		"a path":               {"GET / HTTP/1.1\r\n\r\n", 400},
		"TLS":                  {"\x16\x03\x01\r\n\r\n", 400},
		"another version":      {"GET http://h/ HTTP/2.0\r\n\r\n", 505},
		"https":                {"GET https://h/ HTTP/1.1\r\n\r\n", 400},
		"connect, no port":     {"CONNECT h HTTP/1.1\r\n\r\n", 400},
		"connect, port 0":      {"CONNECT h:0 HTTP/1.1\r\n\r\n", 400},
		"lines that go on":     {"GET http://h/ HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400},
		"a space before colon": {"GET http://h/ HTTP/1.1\r\nContent-Length : 5\r\n\r\n", 400},
		"two lengths":          {"GET http://h/ HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
		"length and chunks":    {"GET http://h/ HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		"another coding":       {"GET http://h/ HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		"a negative length":    {"GET http://h/ HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400},
		"a CR in the middle":   {"GET http://h/ HTTP/1.1\r\nA: b\rc\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.in))
			var wrong *Error
			require.ErrorAs(t, err, &wrong)
			assert.Equal(t, c.code, wrong.Code)
		})
	}
}

func TestResponse(t *testing.T) {
	got, final, err := Response([]byte("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nContent-Length: 3\r\n\r\n"))
	require.NoError(t, err)
	assert.True(t, final)
	assert.Equal(t, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n", string(got))
	for head, end := range map[string]bool{"HTTP/1.1 100 Continue\r\n\r\n": false, "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\n\r\n": true} {
		got, final, err := Response([]byte(head))
		require.NoError(t, err)
		assert.Equal(t, end, final)
		assert.Equal(t, head, string(got))
	}
	_, _, err = Response([]byte("SSH-2.0-x\r\n\r\n"))
	require.Error(t, err)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n\r\n"))
	f.Add([]byte("POST http://h.example/a?b HTTP/1.1\r\nContent-Length: 5\r\nConnection: x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			var wrong *Error
			require.True(t, errors.As(err, &wrong))
			require.NotEmpty(t, reasons[wrong.Code])
			return
		}
		if r.Connect() {
			return
		}
		// What goes on is one head, and says nothing of the hop before.
		require.Equal(t, len(r.Head), HeadEnd(r.Head))
		assert.NotContains(t, strings.ToLower(string(r.Head)), "\r\nproxy-authorization:")
		_, _, err = split(r.Head)
		require.NoError(t, err)
	})
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, _, err := Response(b); err == nil {
			assert.NotZero(t, HeadEnd(got))
		}
	})
}
