package tunnel

import (
	"context"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// TestARunBeginsAnew: that a tunnel has been up in one Run says nothing about the next, in which
// what the user has to change first is final again.
func TestARunBeginsAnew(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	c, err := NewClient(ClientConfig{
		Server: listener.Addr().String(), User: "alice", Password: "secret", Reconnect: true,
		Bring: func(context.Context, Network) (netdev.Device, error) { return nil, os.ErrInvalid },
		ListenGRE: func(netip.Addr, netip.Addr) (gre.Conn, error) {
			return nil, os.ErrPermission
		},
	})
	require.NoError(t, err)
	c.isUp() // as in the first one
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err = c.Run(ctx)
	require.NoError(t, ctx.Err(), "it does not go on for ever")
	require.Equal(t, ClassPermission, ClassOf(err), "%v", err)
}
