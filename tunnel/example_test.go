package tunnel_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// A client needs neither a TUN device nor any privilege for what happens inside the tunnel: here
// its packets are those of an io.ReadWriteCloser, one for each Read and Write. The server is in the
// same process, and the GRE between the two goes through memory; without Dial and ListenGRE it
// would be a raw socket.
func ExampleClient() {
	here := netip.MustParseAddr("127.0.0.1")
	serverGRE, clientGRE := gre.Pipe(gre.PipeOptions{A: here, B: here})
	office := startServer(serverGRE)

	app, device := net.Pipe()
	defer app.Close()
	up := make(chan tunnel.Network, 1)
	client, err := tunnel.NewClient(tunnel.ClientConfig{
		Options: tunnel.Options{Log: slog.New(slog.DiscardHandler)},
		Server:  office.address, User: "alice", Password: "wonderland",
		Bring: func(_ context.Context, n tunnel.Network) (netdev.Device, error) {
			return netdev.FromPackets(device, n.MTU), nil
		},
		Changed: func(isUp bool, n tunnel.Network) {
			if isUp {
				up <- n
			}
		},
		ListenGRE: func(_, _ netip.Addr) (gre.Conn, error) { return clientGRE, nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- client.Run(ctx) }()

	n := <-up
	fmt.Printf("%v to %v, %d bit\n", n.Local, n.Remote, n.Encrypted)
	p := ping(n.Local, n.Remote)
	if _, err := app.Write(p); err != nil {
		fmt.Println(err)
	}
	got := make([]byte, n.MTU)
	size, _ := office.packets.Read(got)
	fmt.Println("at the server:", string(got[28:size]))
	if _, err := office.packets.Write(ping(n.Remote, n.Local)); err != nil {
		fmt.Println(err)
	}
	size, _ = app.Read(got)
	fmt.Println("at the client:", string(got[28:size]))

	stop()
	fmt.Println(<-ended)
	office.stop()
	// Output:
	// 10.99.0.100 to 10.99.0.1, 128 bit
	// at the server: hello from 10.99.0.100
	// at the client: hello from 10.99.0.1
	// stopped
}

// server is one for the examples, whose packets are those of a net.Pipe too.
type server struct {
	address string
	packets net.Conn
	stop    func()
}

func startServer(conn gre.Conn) server {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	addresses, err := pool.Parse("10.99.0.100-10.99.0.109")
	if err != nil {
		panic(err)
	}
	inside, device := net.Pipe()
	s, err := tunnel.NewServer(tunnel.ServerConfig{
		Options:   tunnel.Options{Log: slog.New(slog.DiscardHandler)},
		Listeners: []net.Listener{listener}, Device: netdev.FromPackets(device, tunnel.DefaultMTU),
		LocalIP: netip.MustParseAddr("10.99.0.1"), Pool: addresses,
		Lookup: func(user string) (tunnel.Account, bool) {
			return tunnel.Account{Account: ppp.Account{Password: "wonderland"}}, user == "alice"
		},
		ListenGRE: func(netip.Addr) (gre.Conn, error) { return conn, nil },
	})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx) }()
	return server{listener.Addr().String(), inside, func() {
		stop()
		<-ended
	}}
}

// ping is an IPv4 packet with an ICMP echo request and a few words.
func ping(from, to netip.Addr) []byte {
	words := "hello from " + from.String()
	p := make([]byte, 28, 28+len(words))
	p[0], p[3], p[8], p[9] = 0x45, byte(28+len(words)), 64, 1
	copy(p[12:], from.AsSlice())
	copy(p[16:], to.AsSlice())
	checksum(p[:20], 10)
	p[20] = 8
	p = append(p, words...)
	checksum(p[20:], 2)
	return p
}

// checksum puts the checksum of RFC 1071 where it belongs.
func checksum(b []byte, at int) {
	sum := uint32(0)
	for i, v := range b {
		sum += uint32(v) << (8 * (1 - i%2))
	}
	sum = sum&0xFFFF + sum>>16
	sum = ^(sum&0xFFFF + sum>>16)
	b[at], b[at+1] = byte(sum>>8), byte(sum)
}
