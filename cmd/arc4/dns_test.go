package main

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func parsedAddresses(texts ...string) (all []netip.Addr) {
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

// TestUsableServers: what a server offers is data, and only what is reached through the tunnel is
// asked.
func TestUsableServers(t *testing.T) {
	through := func(a netip.Addr) bool { return a.IsPrivate() || a == netip.MustParseAddr("127.0.0.1") }
	for _, tc := range []struct {
		name         string
		offered, use []netip.Addr
		passed       []string
	}{
		{"none", nil, nil, nil},
		{"good ones, one twice", parsedAddresses("10.0.0.53", "10.0.0.54", "10.0.0.53"), parsedAddresses("10.0.0.53", "10.0.0.54"), nil},
		{"another network's", parsedAddresses("8.8.8.8", "10.0.0.53"), parsedAddresses("10.0.0.53"), []string{"8.8.8.8 is not reached through the tunnel (--route 8.8.8.8/32, or --dns 8.8.8.8)"}},
		{
			"nobody's", parsedAddresses("127.0.0.1", "0.0.0.0", "224.0.0.251", "255.255.255.255", "169.254.169.254"), nil,
			[]string{"127.0.0.1 is this machine itself", "0.0.0.0 is no host's address", "224.0.0.251 is the address of many", "255.255.255.255 is the address of many", "169.254.169.254 is an address of one link alone"},
		},
	} {
		use, passed := usableServers(tc.offered, through)
		assert.Equal(t, tc.use, use, tc.name)
		assert.Equal(t, tc.passed, passed, tc.name)
	}
}

func TestCoversIPv4(t *testing.T) {
	for _, tc := range []struct {
		routes []string
		want   bool
	}{
		{nil, false},
		{[]string{"0.0.0.0/0"}, true},
		{[]string{"10.0.0.0/8", "128.0.0.0/1", "0.0.0.0/1"}, true},
		{[]string{"0.0.0.0/1", "0.0.0.0/1"}, false},
		{[]string{"::/0"}, false},
		{[]string{"0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/1"}, false},
	} {
		var routes []netip.Prefix
		for _, text := range tc.routes {
			routes = append(routes, netip.MustParsePrefix(text))
		}
		assert.Equal(t, tc.want, coversIPv4(routes), "%v", tc.routes)
	}
}
