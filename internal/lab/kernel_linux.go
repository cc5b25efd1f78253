package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// kernel is the network of kernel mode.
type kernel struct {
	hosts  [2]*host
	wires  [2]netdev.Device
	setups [2]*netdev.Setup // of the wires
	bridge *link.Bridge

	mu      sync.Mutex
	devices []*ownDevice // of the tunnel
}

// The names of the devices; each namespace has its own.
const (
	wireName   = "wire"
	tunnelName = "arc4"
)

// wireQueue is how many packets may wait at a wire until this process takes them
// over; a TUN device's own 500 is less than a large TCP window.
const wireQueue = 8192

func newKernel(ctx context.Context, download, upload link.Config) (network, error) {
	k := &kernel{}
	if err := k.open(ctx, download, upload); err != nil {
		k.closeWires()
		k.closeHosts()
		return nil, err
	}
	return k, nil
}

func (k *kernel) open(ctx context.Context, download, upload link.Config) error {
	for s := range k.hosts {
		var err error
		if k.hosts[s], err = newHost(); err != nil {
			return err
		}
		if err := k.hosts[s].Do(func() error { return k.openWire(ctx, side(s)) }); err != nil {
			return err
		}
	}
	// A raw socket may be refused where all the rest is not.
	probe, err := k.listenGRE(server, client.outer())
	if err != nil {
		return err
	}
	if err := probe.Close(); err != nil {
		return err
	}
	opt := linkOptions
	opt.Apart = isGRE
	k.bridge, err = link.NewBridge(k.wires[server], k.wires[client], download, upload, opt)
	return err
}

// openWire makes a host's end of the wire, on its thread.
func (k *kernel) openWire(ctx context.Context, s side) error {
	dev, name, err := netdev.CreateTUN(wireName, wireMTU)
	if err != nil {
		return err
	}
	k.wires[s] = dev
	if err := netns.SetTxQueueLength(name, wireQueue); err != nil {
		return fmt.Errorf("queue of %d packets on %s: %w", wireQueue, name, err)
	}
	if k.setups[s], err = netdev.NewSetup(netdev.Settings{Device: name, Local: s.outer(), Remote: s.other().outer()}); err != nil {
		return err
	}
	return k.setups[s].Apply(ctx)
}

func (k *kernel) listen(s side, p Path, port uint16, tcp TCP) (l net.Listener, err error) {
	h := k.hosts[s]
	err = h.Do(func() error {
		buffers := h.setWindow(tcp.Window)
		cfg := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error { return tcp.apply(c, buffers) }}
		cfg.SetMultipathTCP(false)
		l, err = cfg.Listen(context.Background(), "tcp4", netip.AddrPortFrom(s.address(p), port).String())
		return err
	})
	return l, err
}

func (k *kernel) dial(ctx context.Context, s side, _ Path, to string, tcp TCP) (c net.Conn, err error) {
	h := k.hosts[s]
	err = h.Do(func() error {
		buffers := h.setWindow(tcp.Window)
		d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error { return tcp.apply(c, buffers) }}
		c, err = d.DialContext(ctx, "tcp4", to)
		return err
	})
	return c, err
}

func (k *kernel) packets(s side, p Path) (c net.PacketConn, err error) {
	err = k.hosts[s].Do(func() error {
		c, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.address(p), 0)))
		return err
	})
	return c, err
}

func (k *kernel) congestion() (name string, err error) {
	err = k.hosts[server].Do(func() error {
		text, err := os.ReadFile(congestionControl)
		name = strings.TrimSpace(string(text))
		return err
	})
	return name, err
}

func (k *kernel) listenGRE(s side, peer netip.Addr) (conn gre.Conn, err error) {
	err = k.hosts[s].Do(func() error {
		conn, err = gre.Listen(s.outer(), gre.Options{Peer: peer})
		return err
	})
	return conn, err
}

func (k *kernel) device(ctx context.Context, s side, n tunnel.Network) (dev netdev.Device, err error) {
	err = k.hosts[s].Do(func() error {
		inner, name, err := netdev.CreateTUN(tunnelName, n.MTU)
		if err != nil {
			return err
		}
		d := &ownDevice{Device: inner}
		setup, err := netdev.NewSetup(netdev.Settings{Device: name, MTU: n.MTU, Local: n.Local, Remote: n.Remote})
		if err == nil {
			err = setup.Apply(ctx)
		}
		if err != nil {
			return errors.Join(err, inner.Close())
		}
		d.closed = func() error {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.devices = slices.DeleteFunc(k.devices, func(o *ownDevice) bool { return o == d })
			return setup.Undo()
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.devices = append(k.devices, d)
		dev = d
		return nil
	})
	return dev, err
}

func (k *kernel) dropDevices() error {
	k.mu.Lock()
	devices := slices.Clone(k.devices)
	k.mu.Unlock()
	return closeAll(devices)
}

func (k *kernel) greAccount(from side) GREAccount {
	runner, back := k.bridge.Runners()
	if from == client {
		runner = back
	}
	return GREAccount{Stats: runner.Stats().Apart, Unsent: k.unsent(from)}
}

// unsent reads what a host's end of the wire has dropped; 0 if that cannot be read.
func (k *kernel) unsent(s side) (dropped uint64) {
	_ = k.hosts[s].Do(func() (err error) {
		dropped, err = netns.Dropped(wireName)
		return err
	})
	return dropped
}

// isGRE picks GRE packets over IPv4 (RFC 791 section 3.1, RFC 2784).
func isGRE(p []byte) bool { return ippkt.Version(p) == 4 && ippkt.IPv4(p).Protocol() == ippkt.GRE }

func (k *kernel) runners() (download, upload []*link.Runner) {
	down, up := k.bridge.Runners()
	return []*link.Runner{down}, []*link.Runner{up}
}

func (k *kernel) run(ctx context.Context) error {
	err := k.bridge.Run(ctx) // closes the wires
	k.closeHosts()
	return err
}

func (k *kernel) closeWires() {
	for _, d := range k.wires {
		if d != nil {
			_ = d.Close()
		}
	}
}

func (k *kernel) closeHosts() {
	for _, s := range k.setups {
		if s != nil {
			_ = s.Undo() // the device goes all the same; what the setup holds open does not
		}
	}
	for _, h := range k.hosts {
		if h != nil {
			h.Close()
		}
	}
}

// kernelWhy says what made kernel mode possible.
func kernelWhy() string {
	if os.Getenv(insideEnv) != "" {
		return "network namespaces inside a user namespace"
	}
	return "this process may make network namespaces"
}
