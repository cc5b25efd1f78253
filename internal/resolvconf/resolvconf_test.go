package resolvconf

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		want    []string
	}{
		"nothing":             {"", nil},
		"two":                 {"search example.net\nnameserver 192.0.2.53\nnameserver\t2001:db8::53 # here\n", []string{"192.0.2.53", "2001:db8::53"}},
		"a stub":              {"nameserver 127.0.0.53\noptions edns0\n", []string{"127.0.0.53"}},
		"mapped":              {"nameserver ::ffff:192.0.2.53\n", []string{"192.0.2.53"}},
		"no line break":       {"  nameserver   192.0.2.53", []string{"192.0.2.53"}},
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
			require.Equal(t, want, Parse([]byte(tc.content)))
			file := filepath.Join(t.TempDir(), "resolv.conf")
			require.NoError(t, os.WriteFile(file, []byte(tc.content), 0o600))
			require.Equal(t, want, Read(file))
		})
	}
	require.Empty(t, Read(filepath.Join(t.TempDir(), "none")))
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("nameserver 192.0.2.53\noptions rotate\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, a := range Parse(content) {
			require.True(t, a.IsValid() && !a.Is4In6())
		}
	})
}
