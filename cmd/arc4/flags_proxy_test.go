//go:build !noproxy

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestProxyAddressesTwice: two listeners at one address are a mistake in the command line, and not
// another program's.
func TestProxyAddressesTwice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags proxyFlags
		want  string // empty: in order
	}{
		"both proxies":           {flags: proxyFlags{socks5: "1080", http: "127.0.0.1:1080"}},
		"any port":               {flags: proxyFlags{socks5: "0", http: "0", forward: []string{"0=10.0.0.7:22", "0=10.0.0.8:22"}}},
		"other addresses":        {flags: proxyFlags{forward: []string{"127.0.0.1:22=10.0.0.7:22", "127.0.0.2:22=10.0.0.8:22"}}},
		"here and in the tunnel": {flags: proxyFlags{socks5: "80", reverse: []string{"80=80"}}},
		"forward twice": {proxyFlags{forward: []string{"22=10.0.0.7:22", "127.0.0.1:22=10.0.0.8:22"}},
			"--forward 127.0.0.1:22=10.0.0.7:22 and --forward 127.0.0.1:22=10.0.0.8:22 are both for 127.0.0.1:22: give one of them another port"},
		"proxy and forward": {proxyFlags{http: "1080", forward: []string{"1080=10.0.0.7:22"}},
			"--http-proxy and --forward 127.0.0.1:1080=10.0.0.7:22 are both for 127.0.0.1:1080: give one of them another port"},
		"reverse twice": {proxyFlags{reverse: []string{"80=8080", "80=8081"}},
			"--reverse :80=127.0.0.1:8080 and --reverse :80=127.0.0.1:8081 are both for :80: give one of them another port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.flags.addresses()
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.want)
			assert.Equal(t, exit.Usage, exit.CodeOf(err))
		})
	}
}
