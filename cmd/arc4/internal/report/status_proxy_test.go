//go:build !noproxy

package report

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

func TestStatusProxy(t *testing.T) {
	var out strings.Builder
	writeProxy(&out, nil)
	assert.Empty(t, out.String())
	writeProxy(&out, &status.Proxy{NameServers: []string{"10.0.0.53"}, Listeners: []status.ProxyListener{
		{Kind: "socks5", Address: "127.0.0.1:1080", Open: 2, Accepted: 9, Full: 1, Malformed: 2, Unauthorized: 3, Failed: 4, BytesIn: 2 << 20, BytesOut: 5},
		{Kind: "forward", Address: "127.0.0.1:8022", To: "10.0.0.7:22"},
	}})
	assert.Equal(t, []string{
		"names are looked up through the tunnel, at 10.0.0.53", "",
		"PROXY ADDRESS TO OPEN ACCEPTED BYTES IN BYTES OUT REFUSED NOT REACHED",
		"socks5 127.0.0.1:1080 2 9 2.0 MiB 5 B 6 4",
		"forward 127.0.0.1:8022 10.0.0.7:22 0 0 0 B 0 B 0 0",
	}, fields(out.String()))
	out.Reset()
	writeProxy(&out, &status.Proxy{})
	assert.Contains(t, out.String(), "names are not looked up")
}
