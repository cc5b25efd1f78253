package lab

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.zx2c4.com/wireguard/tun/netstack"

	"github.com/arc4tun/arc4tun/speed/link"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/netdev/userspace"
)

// stacks is the network of userspace mode. The wire carries TCP between two
// stacks: the control connection, and raw transfers. GRE, for which a stack has no
// sockets, goes through links of its own with the same settings.
type stacks struct {
	outer  [2]*netstack.Net
	bridge *link.Bridge
	gre    [2]*link.Runner // by the sender

	mu      sync.Mutex       // guards what follows
	inner   [2]*netstack.Net // in the tunnel
	devices []netdev.Device
	pipe    [2]gre.Conn     // the tunnel's
	deliver [2]func([]byte) // into the pipe's other end, by the sender
	scratch []byte          // a packet behind the place of its IP header
}

// ipHeader is what the outer packet of a GRE packet has more: a rate counts it.
const ipHeader = 20

func newUserspace(download, upload link.Config) (network, error) {
	u := &stacks{scratch: make([]byte, ipHeader, 2048)}
	var wires [2]netdev.Device
	for s := range wires {
		var err error
		wires[s], u.outer[s], err = userspace.NewUserspace([]netip.Addr{side(s).outer()}, nil, wireMTU)
		if err != nil {
			return nil, errors.Join(err, closeAll(wires[:s]))
		}
	}
	if err := u.open(wires, download, upload); err != nil {
		return nil, errors.Join(err, closeAll(wires[:]))
	}
	return u, nil
}

func closeAll(devices []netdev.Device) error {
	var errs []error
	for _, d := range devices {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

func (u *stacks) open(wires [2]netdev.Device, download, upload link.Config) error {
	opt := link.Options{RealTime: true, Yield: true}
	var err error
	if u.bridge, err = link.NewBridge(wires[server], wires[client], download, upload, opt); err != nil {
		return err
	}
	for s, cfg := range [2]link.Config{server: download, client: upload} {
		cfg.Seed++ // another sequence of chances than the wire's
		l, err := link.New(cfg)
		if err != nil {
			return err
		}
		if u.gre[s], err = link.NewRunner(l, u.arrive(side(s)), opt); err != nil {
			return err
		}
	}
	return nil
}

// arrive hands what a host sent to the other host's end of the pipe.
func (u *stacks) arrive(from side) func([][]byte) error {
	return func(batch [][]byte) error {
		u.mu.Lock()
		deliver := u.deliver[from]
		u.mu.Unlock()
		if deliver == nil { // its tunnel has ended
			return nil
		}
		for _, p := range batch {
			deliver(p[ipHeader:])
		}
		return nil
	}
}

// depart puts a GRE packet into its link.
func (u *stacks) depart(from netip.Addr, packet []byte, deliver func([]byte)) {
	s := server
	if from == client.outer() {
		s = client
	}
	u.mu.Lock()
	u.deliver[s] = deliver
	u.scratch = append(u.scratch[:ipHeader], packet...)
	u.gre[s].Send(u.scratch)
	u.mu.Unlock()
}

func (u *stacks) listenGRE(s side, _ netip.Addr) (gre.Conn, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.pipe[s] == nil {
		u.pipe[server], u.pipe[client] = gre.Pipe(gre.PipeOptions{A: server.outer(), B: client.outer(), Impair: u.depart})
	}
	return u.pipe[s], nil
}

func (u *stacks) device(_ context.Context, s side, n tunnel.Network) (netdev.Device, error) {
	dev, stack, err := userspace.NewUserspace([]netip.Addr{n.Local}, nil, n.MTU)
	if err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.inner[s] = stack
	u.devices = append(u.devices, dev)
	return dev, nil
}

func (u *stacks) dropDevices() error {
	u.mu.Lock()
	devices := u.devices
	u.devices = nil
	u.inner, u.pipe, u.deliver = [2]*netstack.Net{}, [2]gre.Conn{}, [2]func([]byte){}
	u.mu.Unlock()
	return closeAll(devices)
}

// stack finds a host's stack and address on a path.
func (u *stacks) stack(s side, p Path) (*netstack.Net, error) {
	if p == Raw {
		return u.outer[s], nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.inner[s] == nil {
		return nil, errNoTunnel
	}
	return u.inner[s], nil
}

// listen takes any free port: a stack does not give one back for a minute after a
// connection on it has ended.
func (u *stacks) listen(s side, p Path, _ uint16, _ int) (net.Listener, error) {
	stack, err := u.stack(s, p)
	if err != nil {
		return nil, err
	}
	return stack.ListenTCPAddrPort(netip.AddrPortFrom(s.address(p), 0))
}

func (u *stacks) dial(ctx context.Context, s side, p Path, to string, _ int) (net.Conn, error) {
	address, err := netip.ParseAddrPort(to)
	if err != nil {
		return nil, err
	}
	stack, err := u.stack(s, p)
	if err != nil {
		return nil, err
	}
	return stack.DialContextTCPAddrPort(ctx, address)
}

func (u *stacks) packets(s side, p Path) (net.PacketConn, error) {
	stack, err := u.stack(s, p)
	if err != nil {
		return nil, err
	}
	return stack.ListenUDPAddrPort(netip.AddrPortFrom(s.address(p), 0))
}

func (u *stacks) runners() (download, upload []*link.Runner) {
	down, up := u.bridge.Runners()
	return []*link.Runner{down, u.gre[server]}, []*link.Runner{up, u.gre[client]}
}

func (u *stacks) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return u.bridge.Run(ctx) }) // closes the wires
	for _, r := range u.gre {
		g.Go(func() error { return r.Run(ctx) })
	}
	return g.Wait()
}
