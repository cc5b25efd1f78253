package tunnel

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/gre"
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
			const early = maxEarly + 3
			listener, err := net.Listen("tcp4", serverOuter.String()+":0")
			require.NoError(t, err)
			defer listener.Close()
			ours, theirs := gre.Pipe(gre.PipeOptions{A: clientOuter, B: serverOuter})
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
			require.Eventually(t, func() bool { return ours.Stats().Received == early }, patience, time.Millisecond)
			serve(tcp)
			require.Error(t, <-ended)
			require.Eventually(t, func() bool { return c.Snapshot().Refused["gre_no_session"] == early }, patience, time.Millisecond)
		})
	}
}

// TestEarlyPacketsOfOtherReaders: the session takes its own packets that came early; those that
// other readers have kept are not its.
func TestEarlyPacketsOfOtherReaders(t *testing.T) {
	noLeaks(t)
	var strays atomic.Uint64
	r := newReceiver(newHub().listenShared(clientOuter, 3), time.Now, &strays)
	r.await()
	for id := range uint16(6) {
		h := r.of(id)
		h.strayed(time.Now(), []gre.Packet{{Addr: serverOuter, Data: gre.AckOnly(id, 1).AppendTo(nil)}}, newDevWriter())
	}
	require.Zero(t, strays.Load())
	o, err := Options{}.withDefaults()
	require.NoError(t, err)
	pc := o.pppConfig()
	pc.User, pc.Password = "alice", "secret"
	s, err := newSession(o, r.conn, serverOuter, 4, 1, pc, noOwner{newMemDevice()})
	require.NoError(t, err)
	r.add(s)
	require.EqualValues(t, 5, strays.Load())
	require.EqualValues(t, 1, s.snapshot().AcksIn)
}
