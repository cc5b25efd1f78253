package cmdline

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

func TestParseServer(t *testing.T) {
	for arg, want := range map[string]string{
		"192.0.2.1":            "192.0.2.1:1723",
		"192.0.2.1:99":         "192.0.2.1:99",
		"127.0.0.1:65535":      "127.0.0.1:65535",
		"vpn.example.net":      "vpn.example.net:1723",
		"vpn.example.net.":     "vpn.example.net.:1723",
		"router":               "router:1723",
		"my_router:1":          "my_router:1",
		"3com.example":         "3com.example:1723",
		"xn--bcher-kva.test:9": "xn--bcher-kva.test:9",
	} {
		got, err := ParseServer(arg)
		require.NoError(t, err, arg)
		assert.Equal(t, want, got)
	}
}

func TestParseServerRefuses(t *testing.T) {
	for arg, words := range map[string]string{
		"":                           "SERVER is empty",
		" ":                          `cannot have ' ' in it`,
		":1723":                      "no host before the port",
		"192.0.2.1:99999":            `no such port as "99999": give 1 to 65535`,
		"192.0.2.1:0":                `no such port as "0"`,
		"192.0.2.1:-1":               `no such port as "-1"`,
		"192.0.2.1:":                 `no such port as ""`,
		"vpn.example.net:pptp":       `no such port as "pptp"`,
		"2001:db8::1":                "PPTP runs over IPv4 only",
		"[2001:db8::1]":              "PPTP runs over IPv4 only",
		"[2001:db8::1]:1723":         "PPTP runs over IPv4 only",
		"[2001:db8::1":               "PPTP runs over IPv4 only",
		"::ffff:192.0.2.1":           "PPTP runs over IPv4 only",
		"fe80::1%eth0":               "PPTP runs over IPv4 only",
		"[192.0.2.1]:1723":           "leave the brackets out",
		"[192.0.2.1":                 "leave the brackets out",
		"192.0.2.1]:1723":            "leave the brackets out",
		"a:b:c":                      "more than one colon",
		"pptp://vpn.example.net/":    `leave "pptp://" out: give vpn.example.net`,
		"vpn.example.net/office":     `cannot have '/' in it`,
		"alice@vpn.example.net":      `cannot have '@' in it`,
		"bücher.test":                "xn--",
		"300.1.1.1":                  "is no IPv4 address",
		"1.2.3.4.5":                  "is no IPv4 address",
		"10":                         "is no IPv4 address",
		"0.0.0.0":                    "no server can have",
		"224.0.0.1":                  "no server can have",
		"255.255.255.255":            "no server can have",
		"a..b":                       "parts have 1 to 63",
		".":                          "parts have 1 to 63",
		strings.Repeat("x", 64):      "parts have 1 to 63",
		strings.Repeat("abcd.", 51):  "longer than the 253 bytes",
		"vpn.example.net:1723\nmore": "no such port",
	} {
		_, err := ParseServer(arg)
		require.Error(t, err, arg)
		assert.ErrorContains(t, err, words, arg)
		assert.Equal(t, exit.Usage, exit.CodeOf(err), arg)
	}
}

func FuzzParseServer(f *testing.F) {
	for _, arg := range []string{"192.0.2.1", "a:1", "[::1]:1", "[", "]", ":", "", "1.2.3", "x://y", "é", "0x7f.1", "a]b[c:d"} {
		f.Add(arg)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		address, err := ParseServer(arg)
		if err != nil {
			assert.Equal(t, exit.Usage, exit.CodeOf(err))
			return
		}
		host, port, err := net.SplitHostPort(address)
		require.NoError(t, err)
		assert.NotEmpty(t, host)
		n, err := strconv.Atoi(port)
		require.NoError(t, err)
		assert.True(t, n > 0 && n < 65536, port)
		again, err := ParseServer(address)
		require.NoError(t, err)
		assert.Equal(t, address, again)
	})
}

func TestSplitUser(t *testing.T) {
	for arg, want := range map[string][2]string{
		"vpn.example.net":              {"", "vpn.example.net"},
		"alice@vpn.example.net":        {"alice", "vpn.example.net"},
		`OFFICE\alice@192.0.2.1:1723`:  {`OFFICE\alice`, "192.0.2.1:1723"},
		"alice@corp.example@192.0.2.1": {"alice@corp.example", "192.0.2.1"},
		"@vpn.example.net":             {"", "vpn.example.net"},
		"alice@":                       {"alice", ""},
	} {
		user, server, _ := SplitUser(arg)
		assert.Equal(t, want, [2]string{user, server}, arg)
	}
}
