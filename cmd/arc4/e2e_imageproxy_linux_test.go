//go:build packages && !noproxy

package main

import (
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestE2EImageProxy runs the image with CAP_NET_RAW alone, as a proxy, and gets a page through it.
func TestE2EImageProxy(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the image is for amd64")
	}
	image := makeImage(t)
	l := newInsideSite(t)
	before := l.client.snapshot(t)
	c := l.client.unpack(t, image)
	l.serve(t, "--dns", insideServer)
	client := l.client.run(t, c.command(t, true, strconv.Itoa(unix.CAP_NET_RAW), []string{
		"ARC4_SERVER=" + serverOuter, "ARC4_USER=alice", "ARC4_PASSWORD=wonderland", "ARC4_SOCKS5=1080", "ARC4_HTTP_PROXY=1080",
	}, c.start)).up(t)
	url := "http://" + insideName + ":" + insidePort + "/"
	for name, args := range map[string][]string{
		"socks5": {"--socks5-hostname", proxyAt, url},
		"http":   {"--proxy", "http://" + proxyAt, url},
	} {
		got, code := l.curl(t, nil, args...)
		assert.Zero(t, code, name)
		assert.Equal(t, hexSum(l.page), hexSum([]byte(got)), name)
	}
	healthy := l.client.run(t, c.command(t, false, "none", nil, c.healthy))
	assert.Equal(t, exit.OK, healthy.wait(t), "while it is up: %s", healthy.stderr.String())
	client.stop(t, syscall.SIGTERM)
	l.server.noSessions(t)
	assert.Equal(t, before, l.client.snapshot(t), "nothing is set on this machine")
}
