package tunnel

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// TestEarlyPacketsOfNoSession: what a client keeps until its call is up is counted when the call
// never is, whatever the server did instead.
func TestEarlyPacketsOfNoSession(t *testing.T) {
	for name, serve := range map[string]func(tcp net.Conn){
		"the server hangs up": func(tcp net.Conn) { tcp.Close() },
		"the server is none of PPTP": func(tcp net.Conn) {
			_, _ = tcp.Write([]byte("220 mail.example ESMTP\r\n"))
		},
		"the server refuses clients": func(tcp net.Conn) {
			_, _ = tcp.Write(control.StartReply{Version: control.Version, Result: 4}.AppendTo(nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			const early = session.MaxEarly + 3
			listener, err := net.Listen("tcp4", serverOuter.String()+":0")
			require.NoError(t, err)
			defer listener.Close()
			theirs, ours := wireOptions{}.join(t)
			defer theirs.Close()
			c, err := NewClient(ClientConfig{
				Server: listener.Addr().String(), User: "alice", Password: "secret",
				Bring:     func(context.Context, Network) (netdev.Device, error) { return newMemDevice(), nil },
				ListenGRE: func(local, peer netip.Addr) (gre.Conn, error) { return ours, nil },
			})
			require.NoError(t, err)
			ended := make(chan error, 1)
			go func() { ended <- c.Run(context.Background()) }()
			tcp, err := listener.Accept()
			require.NoError(t, err)
			defer tcp.Close()
			pkts := strays(early)
			for i := range pkts {
				pkts[i].Addr = clientOuter
			}
			_, err = theirs.WriteBatch(pkts)
			require.NoError(t, err)
			require.Eventually(t, func() bool { return ours.Stats().Received == early }, timeout, time.Millisecond)
			serve(tcp)
			require.Error(t, <-ended)
			require.Eventually(t, func() bool { return c.Snapshot().Refused["gre_no_session"] == early }, timeout, time.Millisecond)
		})
	}
}
