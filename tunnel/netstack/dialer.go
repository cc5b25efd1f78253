package netstack

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/internal/serverroute"
	"github.com/arc4tun/arc4tun/internal/suspend"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/netdev/userspace"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// DefaultWait is how long what is asked of a Dialer waits for the tunnel at most, unless Config
// says otherwise.
const DefaultWait = 15 * time.Second

// Config says what a Dialer is made of. The zero value is good.
type Config struct {
	// NameServers are asked for names, the first one first; none: those that the server assigns.
	NameServers []netip.Addr
	// Wait is how long what is asked for while the tunnel is down waits for it at most; 0:
	// DefaultWait.
	Wait time.Duration
	// Small bounds the TCP windows to what suits a machine with little memory.
	Small bool
	// Mark is the firewall mark of what carries the tunnel; 0: it has none. Interface is the one
	// that carries it; empty: the one that leads to the server.
	Mark      uint32
	Interface string
	// Suspended is how long this machine has been suspended since it was started; nil: as the
	// clocks of the system say.
	Suspended func() time.Duration
	Log       *slog.Logger // nil: slog.Default
}

// Dialer opens connections through a client's tunnel, looks names up there, and listens on its
// address. It outlives a call: where the next one brings the same addresses, connections go on, and
// where it brings others, they end. Its methods may be called from any goroutine.
type Dialer struct {
	servers  []netip.Addr
	wait     time.Duration
	small    bool
	log      *slog.Logger
	follower *serverroute.Follower // of the way to the server; nil: nobody follows it
	woken    chan time.Duration    // has room for one
	done     chan struct{}         // closed by Close
	closing  sync.Once
	watching sync.WaitGroup

	mu      sync.Mutex
	now     *stack // nil: there was no call yet, or its device is closed
	up      bool
	leaves  bool          // nothing is brought any more
	changed chan struct{} // closed, and replaced by another, when any of these has changed
	open    int           // TCP connections, by which their windows go
}

// stack is what a network was made into.
type stack struct {
	*userspace.Stack
	device  netdev.Device
	network tunnel.Network
	gone    chan struct{} // closed with the device
}

// NewDialer begins to follow the way to the server, where this system tells of it. Attach it to a
// client's configuration, and call Close in the end.
func NewDialer(c Config) *Dialer {
	d := &Dialer{
		servers: c.NameServers, wait: cmp.Or(c.Wait, DefaultWait), small: c.Small, log: cmp.Or(c.Log, slog.Default()),
		woken: make(chan time.Duration, 1), done: make(chan struct{}), changed: make(chan struct{}),
	}
	if c.Suspended == nil {
		c.Suspended = suspend.System
	}
	d.watching.Go(func() { suspend.NewDetector(c.Suspended).Watch(d.done, d.woken) })
	var err error
	d.follower, err = serverroute.Open(serverroute.Options{Log: d.log, Mark: c.Mark, Interface: c.Interface, ReadOnly: true})
	if err != nil {
		d.log.Warn("the way to the server is not followed: when the network changes, the tunnel may end", "error", err)
		d.follower = nil
	}
	return d
}

// Attach makes d the local end of cfg: it sets Bring and Woken, has Changed tell d before whoever
// it told before, and, where the way to the server is followed and no Dial is given, sets that,
// CarryGRE, Mark, NetworkChanged and CheckWay.
func (d *Dialer) Attach(cfg *tunnel.ClientConfig) {
	cfg.Bring, cfg.Woken = d.bring, d.woken
	next := cfg.Changed
	cfg.Changed = func(up bool, n tunnel.Network) {
		d.turn(up)
		if next != nil {
			next(up, n)
		}
	}
	if d.follower == nil || cfg.Dial != nil {
		return
	}
	cfg.Dial, cfg.CarryGRE = d.follower.Dial, d.follower.Carry
	cfg.NetworkChanged, cfg.CheckWay = d.follower.Changed(), d.follower.Check
	cfg.Mark = d.follower.Mark()
}

// Way is how the server is reached, for a status.Snapshot; nil if nobody follows that.
func (d *Dialer) Way() *status.Way {
	if d.follower == nil {
		return nil
	}
	return d.follower.Status()
}

// Network is what the stack was made for last.
func (d *Dialer) Network() tunnel.Network {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now == nil {
		return tunnel.Network{}
	}
	return d.now.network
}

// NameServers are those that are asked for names now.
func (d *Dialer) NameServers() []netip.Addr {
	if len(d.servers) > 0 {
		return d.servers
	}
	return usable(d.Network().DNS)
}

// bring gives the device of a stack that fits n, the one there is or another.
func (d *Dialer) bring(_ context.Context, n tunnel.Network) (netdev.Device, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.leaves {
		return nil, &tunnel.Error{Class: tunnel.ClassAdmin, Text: "stopped"}
	}
	if local, _ := netdev.Judge(netdev.Given{Local: n.Local, Server: n.Server}, netdev.Surroundings{}); local.Verdict == netdev.Refused {
		return nil, &tunnel.Error{Class: tunnel.ClassPolicy, Text: fmt.Sprintf("the server gives this end the tunnel address %s, which is %s: the server has to give another", n.Local, local.Reason)}
	}
	if s := d.now; s != nil && s.network.Local == n.Local && s.network.LocalIPv6 == n.LocalIPv6 && s.network.MTU == n.MTU {
		d.renew(&stack{Stack: s.Stack, device: s.device, network: n, gone: s.gone})
		return s.device, nil
	}
	d.shut()
	addresses := slices.DeleteFunc([]netip.Addr{n.Local, n.LocalIPv6}, func(a netip.Addr) bool { return !a.IsValid() })
	device, inside, err := userspace.NewUserspace(addresses, n.MTU)
	if err != nil {
		return nil, &tunnel.Error{Class: tunnel.ClassPolicy, Text: err.Error()}
	}
	if err := inside.SetCongestion("cubic"); err != nil {
		d.log.Debug("the stack's congestion control", "error", err)
	}
	d.renew(&stack{Stack: inside, device: device, network: n, gone: make(chan struct{})})
	return device, nil
}

// renew puts a stack in the place of the one before, and tells who waits. The caller holds mu.
func (d *Dialer) renew(s *stack) {
	d.now = s
	close(d.changed)
	d.changed = make(chan struct{})
}

// turn notes whether packets pass.
func (d *Dialer) turn(up bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.up = up
	d.renew(d.now)
}

// shut ends the stack and its connections. The caller holds mu.
func (d *Dialer) shut() {
	if d.now == nil {
		return
	}
	close(d.now.gone)
	if err := d.now.device.Close(); err != nil {
		d.log.Debug("closing the stack", "error", err)
	}
	d.renew(nil)
}

// Withdraw brings nothing any more; connections go on until the tunnel has ended.
func (d *Dialer) Withdraw() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leaves = true
	d.renew(d.now)
}

// Close ends the stack with its connections and listeners. Call it when tunnel.Client.Run has
// returned.
func (d *Dialer) Close() {
	d.closing.Do(func() { close(d.done) })
	d.watching.Wait()
	d.mu.Lock()
	d.leaves = true
	d.shut()
	d.renew(nil)
	d.mu.Unlock()
	if d.follower == nil {
		return
	}
	if err := d.follower.Close(); err != nil {
		d.log.Warn("following the way to the server", "error", err)
	}
}
