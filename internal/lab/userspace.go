package lab

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/netdev/userspace"
)

// stacks is the network of userspace mode. The wire carries TCP between two
// stacks: the control connection, and raw transfers. GRE, for which a stack has no
// sockets, goes through links of its own with the same settings.
type stacks struct {
	outer  [2]*userspace.Stack
	bridge *link.Bridge
	memory *memnet.Network // of GRE packets
	gre    [2]*link.Runner // by the sender

	mu      sync.Mutex          // guards what follows
	inner   [2]*userspace.Stack // in the tunnel
	devices []*ownDevice
	scratch []byte // a packet behind the place of its IP header
}

// ipHeader is what the outer packet of a GRE packet has more: a rate counts it.
const ipHeader = 20

func newUserspace(download, upload link.Config) (network, error) {
	u := &stacks{scratch: make([]byte, ipHeader, 2048)}
	var wires [2]netdev.Device
	for s := range wires {
		var err error
		wires[s], u.outer[s], err = userspace.NewUserspace([]netip.Addr{side(s).outer()}, wireMTU)
		if err != nil {
			return nil, errors.Join(err, closeAll(wires[:s]))
		}
	}
	if err := u.open(wires, download, upload); err != nil {
		return nil, errors.Join(err, closeAll(wires[:]))
	}
	return u, nil
}

func closeAll[D netdev.Device](devices []D) error {
	var errs []error
	for _, d := range devices {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

func (u *stacks) open(wires [2]netdev.Device, download, upload link.Config) error {
	opt := linkOptions
	u.memory = memnet.New(memnet.Options{Carry: u.depart})
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

// arrive hands what a host sent to the other host.
func (u *stacks) arrive(from side) func([][]byte) error {
	return func(batch [][]byte) error {
		for _, p := range batch {
			u.memory.Arrive(from.outer(), from.other().outer(), p[ipHeader:])
		}
		return nil
	}
}

// depart puts GRE packets into their link, each behind the header that it has on a
// wire.
func (u *stacks) depart(from, to netip.Addr, packets [][]byte) {
	s := server
	if from == client.outer() {
		s = client
	}
	if to != s.other().outer() {
		return // a wire has two ends
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, p := range packets {
		u.scratch = append(u.scratch[:ipHeader], p...)
		u.gre[s].Send(u.scratch)
	}
}

func (u *stacks) listenGRE(s side, _ netip.Addr) (gre.Conn, error) { return u.memory.Listen(s.outer()) }

func (u *stacks) device(_ context.Context, s side, n tunnel.Network) (netdev.Device, error) {
	inner, stack, err := userspace.NewUserspace([]netip.Addr{n.Local}, n.MTU)
	if err != nil {
		return nil, err
	}
	d := &ownDevice{Device: inner}
	d.closed = func() error {
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.inner[s] == stack {
			u.inner[s] = nil
		}
		u.devices = slices.DeleteFunc(u.devices, func(o *ownDevice) bool { return o == d })
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.inner[s] = stack
	u.devices = append(u.devices, d)
	return d, nil
}

func (u *stacks) dropDevices() error {
	u.mu.Lock()
	devices := slices.Clone(u.devices)
	u.mu.Unlock()
	return closeAll(devices)
}

// stack finds a host's stack and address on a path.
func (u *stacks) stack(s side, p Path) (*userspace.Stack, error) {
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

// opening is the stack for such a connection. Different ones must not be opened at the same
// time, as the settings are the stack's.
func (u *stacks) opening(s side, p Path, tcp TCP) (*userspace.Stack, error) {
	stack, err := u.stack(s, p)
	if err != nil {
		return nil, err
	}
	if tcp.Congestion == "" {
		tcp.Congestion = userspace.DefaultCongestion
	}
	return stack, errors.Join(stack.SetWindow(tcp.Window), stack.SetCongestion(tcp.Congestion))
}

func (u *stacks) congestion() (string, error) { return userspace.DefaultCongestion, nil }

// listen takes any free port: a stack does not give one back for a minute after a
// connection on it has ended.
func (u *stacks) listen(s side, p Path, _ uint16, tcp TCP) (net.Listener, error) {
	stack, err := u.opening(s, p, tcp)
	if err != nil {
		return nil, err
	}
	return stack.ListenTCP(netip.AddrPortFrom(s.address(p), 0))
}

func (u *stacks) dial(ctx context.Context, s side, p Path, to string, tcp TCP) (net.Conn, error) {
	address, err := netip.ParseAddrPort(to)
	if err != nil {
		return nil, err
	}
	stack, err := u.opening(s, p, tcp)
	if err != nil {
		return nil, err
	}
	return stack.DialTCP(ctx, address)
}

func (u *stacks) packets(s side, p Path) (net.PacketConn, error) {
	stack, err := u.stack(s, p)
	if err != nil {
		return nil, err
	}
	return stack.ListenUDP(netip.AddrPortFrom(s.address(p), 0))
}

func (u *stacks) runners() (download, upload []*link.Runner) {
	down, up := u.bridge.Runners()
	return []*link.Runner{down, u.gre[server]}, []*link.Runner{up, u.gre[client]}
}

func (u *stacks) greAccount(from side) GREAccount {
	to := u.memory.Stats(from.other().outer())
	return GREAccount{Stats: u.gre[from].Stats().Stats, Unheard: to.Nobody + to.Unread, UnheardKnown: true}
}

func (u *stacks) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return u.bridge.Run(ctx) }) // closes the wires
	for _, r := range u.gre {
		g.Go(func() error { return r.Run(ctx) })
	}
	return g.Wait()
}
