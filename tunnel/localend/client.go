package localend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/internal/serverroute"
	"github.com/arc4tun/arc4tun/internal/suspend"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// ClientConfig says what a client's local end is made of.
type ClientConfig struct {
	Device       string         // name of the TUN device; %d becomes the first free number; "": netdev.DefaultName
	Routes       []netip.Prefix // networks to reach through the tunnel
	DefaultRoute bool           // send all IPv4 through the tunnel
	Excluded     []netip.Prefix // networks to reach as without the tunnel, whatever the two above say
	Table        netdev.Table   // where the routes go
	Metric       uint32         // of the routes; 0: the kernel's
	// Mark is the firewall mark of what carries the tunnel; 0: with a default route in a table of
	// its own, or where Marked says that there has to be one, a number that no other process of
	// this program has.
	Mark   uint32
	Marked bool
	// Admit, if not nil, is told the name of the device as soon as that is made, before packets
	// pass: a kill switch stands that lets nothing leave but what has the mark, and names are
	// looked up with it.
	Admit func(device string) error
	// Interface is the one that carries the tunnel; empty: the one that leads to the server.
	Interface string
	Log       *slog.Logger // nil: slog.Default

	// BeforeUp, if not nil, is called whenever the local end is made for a network, when the device
	// has its addresses, before packets pass; the first time it is not up yet. The local end waits
	// for it. Addresses that are not used are left out of the Network.
	BeforeUp func(device string, n tunnel.Network)

	// Suspended is how long this machine has been suspended since it was started; nil: as the
	// clocks of the system say.
	Suspended func() time.Duration

	// OnDemand has the device made with its routes before the first call, and the client dial when
	// a packet goes there. The device has DemandLocal until then; not valid: DemandAddress.
	OnDemand    bool
	DemandLocal netip.Addr

	// Names, if not nil, is told which name servers the tunnel brings.
	Names NameService

	// DeviceOnly has another program, such as NetworkManager, see to addresses, routes and the way
	// to the server around the tunnel: the device is made and brought up, and nothing else is
	// changed. What carries the tunnel still leaves by the interface that leads to the server.
	DeviceOnly bool
}

// Client is a client's TUN device with its addresses and routes, and the way to its server around
// the tunnel. It outlives a call, so that traffic meant for the tunnel waits there while the
// client reconnects instead of leaving by another way. Its methods may be called from any
// goroutine.
type Client struct {
	name     string
	base     netdev.Settings // but for what a Network says
	beforeUp func(string, tunnel.Network)
	admit    func(string) error // nil: nothing is held back
	names    *names
	log      *slog.Logger
	demand   *demand            // nil: the tunnel is always wanted
	woken    chan time.Duration // has room for one
	done     chan struct{}      // closed by Close
	closing  sync.Once
	watching sync.WaitGroup
	follower *serverroute.Follower // of the way to the server; nil: nobody follows it
	bare     bool                  // ClientConfig.DeviceOnly

	nameMu sync.Mutex
	real   string // the name the kernel gave

	mu     sync.Mutex // of all that follows
	dev    netdev.Device
	setup  *netdev.Setup
	now    tunnel.Network // what it was made for
	leaves bool           // nothing is brought any more

	unused netip.Addr // the server's address, if it was said that it is not used
}

// NewClient begins to follow the way to the server, where this system tells of it. The device is
// made when the tunnel comes up first. Call Close in the end.
func NewClient(c ClientConfig) *Client {
	l := &Client{name: cmp.Or(c.Device, netdev.DefaultName), beforeUp: c.BeforeUp, admit: c.Admit, names: newNames(c.Names), log: cmp.Or(c.Log, slog.Default()), bare: c.DeviceOnly}
	l.base = netdev.Settings{Routes: c.Routes, DefaultRoute: c.DefaultRoute, Excluded: c.Excluded, Table: c.Table, Metric: c.Metric}
	all := l.base.Everything()
	if c.Suspended == nil {
		c.Suspended = suspend.System
	}
	l.woken, l.done = make(chan time.Duration, 1), make(chan struct{})
	l.watching.Go(func() { suspend.NewDetector(c.Suspended).Watch(l.done, l.woken) })
	if c.OnDemand {
		l.demand = newDemand(c.DemandLocal)
	}
	var err error
	if l.follower, err = serverroute.Open(serverroute.Options{
		Log: l.log, Mark: c.Mark, Marked: c.Marked || c.Admit != nil || all && c.Table == netdev.TableAuto,
		Interface: c.Interface, Everything: all, Blocked: c.Admit != nil, NoRoute: c.DeviceOnly,
	}); err != nil {
		l.log.Warn("the way to the server is not followed: when the network changes, the tunnel may end", "error", err)
		l.follower = nil
	} else {
		l.follower.AskOutside(l.names.outside)
	}
	l.base.Follower = l.follower
	return l
}

// Mark is the firewall mark of what carries the tunnel; 0: it has none.
func (l *Client) Mark() uint32 {
	if l.follower == nil {
		return 0
	}
	return l.follower.Mark()
}

// Attach makes l the local end of cfg: it sets Bring and Woken, with OnDemand that too, and, where
// the way to the server is followed, Dial, CarryGRE, Mark, NetworkChanged and CheckWay, so that
// what carries the tunnel cannot enter it.
func (l *Client) Attach(cfg *tunnel.ClientConfig) {
	cfg.Bring, cfg.Woken = l.bring, l.woken
	if l.demand != nil {
		l.demand.mtu = cmp.Or(cfg.MTU, tunnel.DefaultMTU)
		cfg.OnDemand = l.prepare
	}
	if l.follower != nil {
		cfg.Dial, cfg.CarryGRE = l.follower.Dial, l.follower.Carry
		cfg.NetworkChanged, cfg.CheckWay = l.follower.Changed(), l.follower.Check
		cfg.Mark = l.follower.Mark()
	}
}

// Way is how the server is reached around the tunnel, for a status.Snapshot; nil if nobody follows
// that.
func (l *Client) Way() *status.Way {
	if l.follower == nil {
		return nil
	}
	return l.follower.Status()
}

// bring makes or changes the local end so that it fits n. Routes stay while addresses change, for
// without them packets would leave outside the tunnel.
func (l *Client) bring(ctx context.Context, n tunnel.Network) (netdev.Device, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leaves {
		return nil, &tunnel.Error{Class: tunnel.ClassAdmin, Text: "stopped"}
	}
	l.checkDevice()
	n, err := l.judge(n)
	if err != nil {
		return nil, err
	}
	if l.setup != nil && sameNetwork(l.now, n) {
		l.now = n // with its name servers
		l.announce(n)
		return l.named(ctx, n)
	}
	if err := l.create(n.MTU); err != nil {
		return nil, err
	}
	settings := l.settings(n)
	settings.BeforeUp = func() { l.announce(n) }
	if l.setup != nil && l.setup.Readdress(ctx, settings) == nil {
		l.now = n
		l.announce(n)
		return l.named(ctx, n)
	}
	l.undo()
	setup, err := netdev.NewSetup(settings)
	if err != nil {
		return nil, localError(err)
	}
	if err := setup.Apply(ctx); err != nil {
		return nil, localError(err)
	}
	l.setup, l.now = setup, n
	if l.base.DefaultRoute {
		l.warnOfIPv6()
	}
	return l.named(ctx, n)
}

// named is the device, once its name servers are asked.
func (l *Client) named(ctx context.Context, n tunnel.Network) (netdev.Device, error) {
	if err := l.names.set(ctx, l.real, n); err != nil {
		return nil, localError(err)
	}
	return l.dev, nil
}

// create makes the device, unless it is there. The caller holds mu.
func (l *Client) create(mtu int) error {
	if l.dev != nil {
		return nil
	}
	dev, real, err := createTUN(l.name, mtu)
	if err != nil {
		return localError(err)
	}
	l.nameMu.Lock()
	l.real = real
	l.nameMu.Unlock()
	l.dev = dev
	if l.admit == nil {
		return nil
	}
	if err := l.admit(real); err != nil {
		return localError(err)
	}
	return nil
}

// settings are the device's for a network.
func (l *Client) settings(n tunnel.Network) netdev.Settings {
	s := l.base
	s.Device, s.MTU, s.Server = l.real, n.MTU, n.Server
	if l.bare {
		return s
	}
	s.Local, s.Remote, s.Local6 = n.Local, n.Remote, n.LocalIPv6
	return s
}

// announce tells the owner what the device was made for. The caller holds mu.
func (l *Client) announce(n tunnel.Network) {
	if l.beforeUp != nil {
		l.beforeUp(l.real, n)
	}
}

// Network is what the local end was made for last, without the addresses that are not used.
func (l *Client) Network() tunnel.Network {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// judge holds the addresses that the server gives against what this machine has and reaches, each
// time it gives them, for both may have changed since. What cannot be used is taken out.
func (l *Client) judge(n tunnel.Network) (tunnel.Network, error) {
	around, err := netdev.LookAround(l.real)
	if err != nil {
		return n, localError(err)
	}
	around = around.WithoutNameServers(l.names.asked())
	local, remote := netdev.Judge(netdev.Given{
		Local: n.Local, Remote: n.Remote, Server: n.Server,
		Routes: l.base.Routes, DefaultRoute: l.base.DefaultRoute, Excluded: l.base.Excluded,
	}, around)
	if local.Verdict == netdev.Refused {
		return n, &tunnel.Error{Class: tunnel.ClassPolicy, Text: fmt.Sprintf("the server gives this machine the tunnel address %s, which is %s: "+
			"refused, since this machine would answer for it on all its networks; the server has to give another", n.Local, local.Reason)}
	}
	if remote.Verdict != netdev.Usable {
		if l.unused != n.Remote {
			l.log.Warn("the server's address in the tunnel is not used, and so not reached through it", "address", n.Remote, "reason", remote.Reason)
		}
		l.unused = n.Remote
		n.Remote = netip.Addr{}
	}
	return n, nil
}

// warnOfIPv6 says what a default route does not take in.
func (l *Client) warnOfIPv6() {
	if l.admit != nil {
		return // nothing leaves outside of it
	}
	if outside, err := netdev.IPv6Outside(l.real); err == nil && outside != "" {
		l.log.Warn("IPv6 does not go through the tunnel: what has an IPv6 address is reached outside of it, in clear", "device", outside)
	}
}

// Device is the name of the TUN device, empty until it exists.
func (l *Client) Device() string {
	l.nameMu.Lock()
	defer l.nameMu.Unlock()
	return l.real
}

func sameNetwork(a, b tunnel.Network) bool {
	return a.Server == b.Server && a.Local == b.Local && a.Remote == b.Remote &&
		a.LocalIPv6 == b.LocalIPv6 && a.RemoteIPv6 == b.RemoteIPv6 && a.MTU == b.MTU
}

// localError classes a failure of this machine's own set-up.
func localError(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &tunnel.Error{Class: tunnel.ClassPermission, Text: err.Error()}
	}
	return &tunnel.Error{Class: tunnel.ClassOther, Text: err.Error()}
}

// checkDevice forgets a device that somebody has deleted, so that another is made.
func (l *Client) checkDevice() {
	if l.dev == nil {
		return
	}
	if _, err := l.dev.MTU(); err != nil {
		l.log.Warn("the TUN device is gone; making another", "device", l.real, "error", err)
		l.shut()
	}
}

// Withdraw takes back what leads into the tunnel, and brings nothing any more. The way to the
// server stays for the farewell, and the device until the tunnel has ended.
func (l *Client) Withdraw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaves = true
	l.restoreNames()
	if l.setup == nil {
		return
	}
	if err := l.setup.Withdraw(); err != nil {
		l.log.Warn("putting addresses and routes back", "error", err)
	}
}

func (l *Client) restoreNames() {
	if err := l.names.restore(); err != nil {
		l.log.Warn("putting the name servers back", "error", err)
	}
}

// undo takes name servers, addresses and routes back.
func (l *Client) undo() {
	l.restoreNames()
	if l.setup == nil {
		return
	}
	if err := l.setup.Undo(); err != nil {
		l.log.Warn("putting addresses and routes back", "error", err)
	}
	l.setup = nil
}

// Close puts everything back, and closes the device. Call it when tunnel.Client.Run has returned.
func (l *Client) Close() {
	l.closing.Do(func() { close(l.done) })
	l.watching.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut()
	if l.follower == nil {
		return
	}
	if err := l.follower.Close(); err != nil {
		l.log.Warn("removing the host route to the server", "error", err)
	}
}

func (l *Client) shut() {
	l.undo()
	if l.dev != nil {
		if err := l.dev.Close(); err != nil {
			l.log.Warn("closing the TUN device", "error", err)
		}
		l.dev = nil
	}
}
