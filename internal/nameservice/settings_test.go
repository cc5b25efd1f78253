package nameservice

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckDomain(t *testing.T) {
	for domain, want := range map[string]string{
		"office.example":             "",
		"~office.example.":           "",
		"_msdcs.corp":                "",
		"xn--bro-hoa.example":        "",
		"":                           "names no domain",
		".":                          "names no domain",
		"~.":                         "names no domain",
		"a..b":                       "has an empty label",
		"-a.example":                 "begins or ends with -",
		"a b":                        "has the character ' '",
		"a\nnameserver":              `has the character '\n'`,
		"büro.example":               "write it as DNS has it",
		strings.Repeat("a", 64):      "a label of 64 bytes",
		strings.Repeat("ab.", 85):    "is 254 bytes long",
		"~~office.example":           "has the character '~'",
		"office.example,lan.example": "has the character ','",
	} {
		err := CheckDomain(domain)
		if want == "" {
			assert.NoError(t, err, domain)
		} else {
			assert.ErrorContains(t, err, want, domain)
		}
	}
}

func TestCheckServer(t *testing.T) {
	for address, good := range map[string]bool{
		"10.0.0.53": true, "8.8.8.8": true, "2001:db8::53": true, "fd00::1": true,
		"0.0.0.0": false, "::": false, "127.0.0.53": false, "::1": false, "224.0.0.251": false, "ff02::fb": false,
		"255.255.255.255": false, "240.0.0.1": false, "0.1.2.3": false, "169.254.169.254": false, "fe80::1": false,
	} {
		err := CheckServer(netip.MustParseAddr(address))
		require.Equal(t, good, err == nil, "%s: %v", address, err)
	}
}

// FuzzCheckDomain: what passes is one word of a resolv.conf and of an argument.
func FuzzCheckDomain(f *testing.F) {
	f.Add("~office.example.")
	f.Fuzz(func(t *testing.T, domain string) {
		if CheckDomain(domain) == nil {
			require.Len(t, strings.Fields(domain), 1)
			require.LessOrEqual(t, len(domain), 255)
			require.NotContains(t, strings.TrimPrefix(domain, "~"), "~")
		}
	})
}
