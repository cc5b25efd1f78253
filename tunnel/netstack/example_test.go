package netstack_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"

	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev/userspace"
	"github.com/arc4tun/arc4tun/tunnel/netstack"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// A program reaches what is behind a tunnel by a Dialer, as by a net.Dialer: http.Transport, say,
// takes its DialContext. The server is in the same process here, and the GRE between the two goes
// through memory; without ListenGRE it is a raw socket, which takes CAP_NET_RAW.
func ExampleDialer() {
	here := netip.MustParseAddr("127.0.0.1")
	serverGRE, clientGRE := gre.Pipe(gre.PipeOptions{A: here, B: here})
	server, stop := office(serverGRE)
	defer stop()

	dialer := netstack.NewDialer(netstack.Config{Log: slog.New(slog.DiscardHandler)})
	defer dialer.Close()
	cfg := tunnel.ClientConfig{
		Options: tunnel.Options{Log: slog.New(slog.DiscardHandler)},
		Server:  server, User: "alice", Password: "wonderland",
		ListenGRE: func(_, _ netip.Addr) (gre.Conn, error) { return clientGRE, nil },
	}
	dialer.Attach(&cfg)
	client, err := tunnel.NewClient(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	ended := make(chan error, 1)
	go func() { ended <- client.Run(ctx) }()

	conn, err := dialer.DialContext(ctx, "tcp", "10.99.0.1:7") // waits until the tunnel is up
	if err != nil {
		fmt.Println(err)
		return
	}
	said, _ := io.ReadAll(conn)
	fmt.Printf("%s", said)
	_, err = dialer.DialContext(ctx, "tcp", "127.0.0.1:7")
	fmt.Println(err)
	leave()
	fmt.Println(<-ended)
	// Output:
	// hello, 10.99.0.100
	// dial tcp 127.0.0.1:7: refused: 127.0.0.1 is a loopback address
	// stopped
}

// office is a server with a greeter inside.
func office(conn gre.Conn) (address string, stop func()) {
	device, stack, err := userspace.NewUserspace([]netip.Addr{netip.MustParseAddr("10.99.0.1")}, tunnel.DefaultMTU)
	if err != nil {
		panic(err)
	}
	greeter, err := stack.ListenTCP(netip.MustParseAddrPort("10.99.0.1:7"))
	if err != nil {
		panic(err)
	}
	go func() {
		if c, err := greeter.Accept(); err == nil {
			fmt.Fprintf(c, "hello, %s\n", c.RemoteAddr().(*net.TCPAddr).IP)
			c.Close()
		}
	}()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	addresses, err := pool.Parse("10.99.0.100-10.99.0.109")
	if err != nil {
		panic(err)
	}
	s, err := tunnel.NewServer(tunnel.ServerConfig{
		Options:   tunnel.Options{Log: slog.New(slog.DiscardHandler)},
		Listeners: []net.Listener{listener}, Device: device,
		LocalIP: netip.MustParseAddr("10.99.0.1"), Pool: addresses,
		Lookup: func(user string) (tunnel.Account, bool) {
			return tunnel.Account{Account: ppp.Account{Password: "wonderland"}}, user == "alice"
		},
		ListenGRE: func(netip.Addr) (gre.Conn, error) { return conn, nil },
	})
	if err != nil {
		panic(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx) }()
	return listener.Addr().String(), func() {
		end()
		<-ended
	}
}
