//go:build !noproxy

package main

import (
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/internal/socks5"
)

// TestE2EProxyIPv6: where the tunnel has IPv6, the proxy reaches the other end by it, by TCP and by
// UDP; where it has none, who asks hears that.
func TestE2EProxyIPv6(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t, "--ipv6")
	client := l.connect(t, "--ipv6", "--socks5", "1080", "--http-proxy", "1080").up(t)
	through := l.client.socks(t, nil, proxyAt)
	far := l.server.addresses(t, "arc40", netlink.FAMILY_V6)
	require.Len(t, far, 1)
	listener := l.server.listens(t, far[0].String()+"%arc40")
	at := netip.AddrPortFrom(far[0], uint16(listener.Addr().(*net.TCPAddr).Port))
	exchangeBy(t, through.DialContext, listenerAt{listener, at.String()}, 1<<20)

	echo := l.server.bindsUDP(t, "["+far[0].String()+"%arc40]:0")
	echoesUDP(echo)
	d := l.client.associates(t, proxyAt)
	to := netip.AddrPortFrom(far[0], uint16(echo.LocalAddr().(*net.UDPAddr).Port))
	d.send(t, socks5.AppendDatagramHeader(nil, to), []byte("by IPv6"))
	got := d.receive(t)
	assert.Equal(t, "by IPv6", string(got.Data))
	assert.Equal(t, to, netip.AddrPortFrom(got.Address.IP, got.Address.Port))
	client.stop(t, syscall.SIGTERM)

	client = l.connect(t, "--socks5", "1080", "--http-proxy", "1080").up(t)
	_, err := through.DialContext(t.Context(), "tcp", at.String())
	require.ErrorContains(t, err, "network unreachable")
	c, err := machineDialer{l.client, t}.Dial("tcp", proxyAt)
	require.NoError(t, err)
	defer c.Close()
	said := asksHTTP(t, c, "CONNECT "+at.String()+" HTTP/1.1\r\n\r\n")
	assert.Contains(t, said, "HTTP/1.1 502 ")
	assert.Contains(t, said, "there is no IPv6 in the tunnel")
	client.stop(t, syscall.SIGTERM)
}

// asksHTTP sends a request that is refused, and gives all of the answer.
func asksHTTP(t *testing.T, c net.Conn, request string) string {
	t.Helper()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	_, err := io.WriteString(c, request)
	require.NoError(t, err)
	said, err := io.ReadAll(c)
	require.NoError(t, err)
	return string(said)
}
