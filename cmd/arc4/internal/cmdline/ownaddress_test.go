package cmdline

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel/pool"
)

func TestOwnAddresses(t *testing.T) {
	addrs, err := net.InterfaceAddrs()
	require.NoError(t, err)
	var mine netip.Addr // 127.0.0.1, mostly
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
			mine = p.Addr()
		}
	}
	require.True(t, mine.IsValid(), "this machine has an IPv4 address")
	ten := netip.MustParseAddr("10.99.0.1")
	for _, c := range []struct {
		name, listen, pool string
		local              netip.Addr
		wrong, warning     string
	}{
		{"all is well", "192.0.2.1:1723", "10.99.0.0/24", ten, "", ""},
		{"the tunnel's is called", "10.99.0.1:1723", "10.99.1.0/24", ten, "--local-ip 10.99.0.1: is the address that clients call", ""},
		{"a client's is called", "10.99.0.9:1723", "10.99.0.0/24", ten, "--pool: holds 10.99.0.9", ""},
		{"beside the pool", "10.99.0.9:1723", "10.99.0.10-10.99.0.20", ten, "", ""},
		{"all are called", ":1723", "10.99.0.0/24", ten, "", ""},
		{"all are called, the tunnel's among them", ":1723", "10.99.0.0/24", mine, "", "--local-ip is an address of this machine"},
		{"all are called, written out", "0.0.0.0:1723", "10.99.0.0/24", mine, "", "--local-ip is an address of this machine"},
		{"all are called, a client's among them", ":1723", mine.String() + "-" + mine.String(), ten, "", "--pool holds an address of this machine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			clients, err := pool.Parse(c.pool)
			require.NoError(t, err)
			var book bytes.Buffer
			err = CheckOwnAddresses(c.listen, c.local, clients, slog.New(slog.NewTextHandler(&book, nil)))
			if c.wrong == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, c.wrong)
				assert.Equal(t, exit.Usage, exit.CodeOf(err))
			}
			if c.warning == "" {
				assert.Empty(t, book.String())
			} else {
				assert.Contains(t, book.String(), c.warning)
			}
		})
	}
}
