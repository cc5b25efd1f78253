//go:build !noproxy && !nocapture

package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel"
)

// TestE2EProxyCapture: a capture of a tunnel without a device has the control connection, GRE, and
// what passes inside.
func TestE2EProxyCapture(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t)
	file := filepath.Join(t.TempDir(), "proxy.pcapng")
	client := l.connect(t, "--socks5", "1080", "--capture", file).up(t)
	echo := l.server.listensAt(t, serverInner+":1723") // of the ports that readCapture keeps
	go echoAll(echo)
	c, err := l.client.socks(t, nil, proxyAt).DialContext(t.Context(), "tcp", echo.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	words := strings.Repeat("words that pass the tunnel ", 10)
	echoes(t, c, words)
	local := session(t, l.client.status(t)).Local.String()
	client.stop(t, syscall.SIGTERM)

	got := readCapture(t, file)
	require.Equal(t, tunnel.Port, 1723)
	for _, way := range [][2]string{{clientOuter, serverOuter}, {serverOuter, clientOuter}} {
		between := way[0] + " > " + way[1]
		assert.Contains(t, got.tcp[between+": "], "\x1a\x2b\x3c\x4d", "PPTP's magic cookie, %s", between)
		assert.NotEmpty(t, only(got.gre, between), between)
	}
	for _, between := range []string{local + " > " + serverInner, serverInner + " > " + local} {
		assert.Equal(t, words, got.tcp[between+": "], between)
	}
	assert.NotContains(t, strings.Join(got.gre, ""), words[:20], "on the way it is encrypted")
	assert.Contains(t, strings.Join(got.comments, "\n"), "tunnel is up")
}
