package tunnel_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/netdev/userspace"
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
	packets, inside := net.Pipe()
	office := startServer(serverGRE, netdev.FromPackets(inside, tunnel.DefaultMTU))

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
	size, _ := packets.Read(got)
	fmt.Println("at the server:", string(got[28:size]))
	if _, err := packets.Write(ping(n.Remote, n.Local)); err != nil {
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

// A client can have a TCP/IP stack in its own process instead of a device: what it dials goes
// through the tunnel, and nothing else of this machine does.
func ExampleClient_userspace() {
	here := netip.MustParseAddr("127.0.0.1")
	serverGRE, clientGRE := gre.Pipe(gre.PipeOptions{A: here, B: here})
	device, stack, err := userspace.NewUserspace([]netip.Addr{netip.MustParseAddr("10.99.0.1")}, tunnel.DefaultMTU)
	if err != nil {
		fmt.Println(err)
		return
	}
	office := startServer(serverGRE, device)
	greeter, err := stack.ListenTCP(netip.MustParseAddrPort("10.99.0.1:7"))
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		if c, err := greeter.Accept(); err == nil {
			fmt.Fprintf(c, "hello, %s\n", c.RemoteAddr().(*net.TCPAddr).IP)
			c.Close()
		}
	}()

	dialer := make(chan *userspace.Stack, 1)
	client, err := tunnel.NewClient(tunnel.ClientConfig{
		Options: tunnel.Options{Log: slog.New(slog.DiscardHandler)},
		Server:  office.address, User: "alice", Password: "wonderland",
		Bring: func(_ context.Context, n tunnel.Network) (netdev.Device, error) {
			d, stack, err := userspace.NewUserspace([]netip.Addr{n.Local}, n.MTU)
			dialer <- stack
			return d, err
		},
		ListenGRE: func(_, _ netip.Addr) (gre.Conn, error) { return clientGRE, nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- client.Run(ctx) }()

	conn, err := (<-dialer).DialTCP(ctx, netip.MustParseAddrPort("10.99.0.1:7"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.Copy(os.Stdout, conn)
	stop()
	fmt.Println(<-ended)
	office.stop()
	// Output:
	// hello, 10.99.0.100
	// stopped
}

// A server needs a device for all of its sessions, addresses to give, and somebody who knows the
// users. Without ListenGRE it receives GRE by raw sockets, which takes CAP_NET_RAW.
func ExampleServer() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0") // elsewhere port tunnel.Port
	if err != nil {
		fmt.Println(err)
		return
	}
	addresses, err := pool.Parse("10.99.0.100-10.99.0.109")
	if err != nil {
		fmt.Println(err)
		return
	}
	here := netip.MustParseAddr("127.0.0.1")
	serverGRE, clientGRE := gre.Pipe(gre.PipeOptions{A: here, B: here})
	_, device := net.Pipe() // elsewhere netdev.CreateTUN
	server, err := tunnel.NewServer(tunnel.ServerConfig{
		Options:   tunnel.Options{Log: slog.New(slog.DiscardHandler)},
		Listeners: []net.Listener{listener},
		Device:    netdev.FromPackets(device, tunnel.DefaultMTU),
		LocalIP:   netip.MustParseAddr("10.99.0.1"),
		Pool:      addresses,
		Lookup: func(user string) (tunnel.Account, bool) {
			return tunnel.Account{Account: ppp.Account{Password: "wonderland"}}, user == "alice"
		},
		ListenGRE: func(netip.Addr) (gre.Conn, error) { return serverGRE, nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- server.Serve(ctx) }()

	hangUp := callAs("alice", listener.Addr().String(), clientGRE)
	sessions := server.Snapshot().Sessions
	for ; sessions[0].State != "up"; sessions = server.Snapshot().Sessions {
		time.Sleep(time.Millisecond) // the client may have been a packet ahead
	}
	for _, s := range sessions {
		fmt.Printf("%s logged in by %s and has %s\n", s.User, s.Auth, s.Remote)
	}
	hangUp()
	stop()
	fmt.Println(<-ended)
	// Output:
	// alice logged in by MS-CHAPv2 and has 10.99.0.100
	// <nil>
}

// callAs makes a call and waits until it is up.
func callAs(user, server string, conn gre.Conn) (hangUp func()) {
	up := make(chan bool, 1)
	_, device := net.Pipe()
	client, err := tunnel.NewClient(tunnel.ClientConfig{
		Options: tunnel.Options{Log: slog.New(slog.DiscardHandler)},
		Server:  server, User: user, Password: "wonderland",
		Bring: func(_ context.Context, n tunnel.Network) (netdev.Device, error) {
			return netdev.FromPackets(device, n.MTU), nil
		},
		Changed:   func(isUp bool, _ tunnel.Network) { up <- isUp },
		ListenGRE: func(_, _ netip.Addr) (gre.Conn, error) { return conn, nil },
	})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- client.Run(ctx) }()
	<-up
	return func() {
		stop()
		<-ended
	}
}

// server is one for the examples of a client.
type server struct {
	address string
	stop    func()
}

func startServer(conn gre.Conn, device netdev.Device) server {
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
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx) }()
	return server{listener.Addr().String(), func() {
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
