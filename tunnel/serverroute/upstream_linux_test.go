package serverroute

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNameServers(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		want    []string
	}{
		"nothing":             {"", nil},
		"two":                 {"search example.net\nnameserver 192.0.2.53\nnameserver\t2001:db8::53 # here\n", []string{"192.0.2.53", "2001:db8::53"}},
		"a stub":              {"nameserver 127.0.0.53\nnameserver ::1\nnameserver 0.0.0.0\n", nil},
		"no line break":       {"nameserver 192.0.2.53", []string{"192.0.2.53"}},
		"commented out":       {"#nameserver 192.0.2.53\n; nameserver 192.0.2.54\n", nil},
		"what is no address":  {"nameserver example.net\nnameserver\nnameserver 300.1.1.1\n", nil},
		"one with its zone":   {"nameserver fe80::1%eth0\n", []string{"fe80::1%eth0"}},
		"carriage returns":    {"nameserver 192.0.2.53\r\n", []string{"192.0.2.53"}},
		"a word that is near": {"nameservers 192.0.2.53\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var want []netip.Addr
			for _, s := range tc.want {
				want = append(want, netip.MustParseAddr(s))
			}
			require.Equal(t, want, nameServers([]byte(tc.content)))
		})
	}
}

func FuzzNameServers(f *testing.F) {
	f.Add([]byte("nameserver 192.0.2.53\noptions rotate\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, a := range nameServers(content) {
			require.True(t, a.IsValid() && !a.IsLoopback())
		}
	})
}
