package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/arc4tun/arc4tun/internal/features"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// Port is the TCP port of the control connection (RFC 2637 section 1.1).
const Port = 1723

// Network is what a client's link has agreed on: all that its local end needs.
type Network struct {
	Server, OuterLocal    netip.Addr // the outer addresses
	Local, Remote         netip.Addr // the tunnel's; Remote may be missing
	DNS                   []netip.Addr
	LocalIPv6, RemoteIPv6 netip.Addr // link-local, if IPv6 was negotiated
	MTU                   int
	Encrypted             int // MPPE key bits, 0 for clear text
}

// ClientConfig describes a tunnel to a server (we are the PNS, RFC 2637 section 1).
type ClientConfig struct {
	Options
	Server     string // HOST or HOST:PORT
	User       string // may carry DOMAIN\ in front
	Password   string
	RequestDNS bool
	Reconnect  bool // try again, after a pause, until an end is final: see Run
	// HoldOff is the pause before each new attempt, MinHoldOff to MaxHoldOff; 0: from one second,
	// doubling to a minute.
	HoldOff time.Duration
	// MaxFail, with Reconnect, is how many attempts in a row without a tunnel end Run; 0: no number
	// does.
	MaxFail int
	// RetryAuth, with Reconnect, has a login that the server refused tried again, after a minute if
	// HoldOff does not say otherwise: servers lock accounts.
	RetryAuth bool
	// ConnectTimeout is how long one attempt may take until packets pass, MinConnectTimeout to
	// MaxConnectTimeout; 0: as long as its steps take.
	ConnectTimeout time.Duration
	// IdleTimeout ends the tunnel, as ClassIdle, when no IP packet has passed it either way for so
	// long, MinIdleTimeout to MaxIdleTimeout; 0: it may be idle for good.
	IdleTimeout time.Duration

	// NetworkChanged, if not nil, is received from when links, addresses or routes of this machine
	// have changed. A pause before the next attempt ends then, an attempt that does not get through
	// starts anew, and a running call is judged by CheckWay. Who sends need not wait: a channel
	// with room for one, filled without blocking, is enough.
	NetworkChanged <-chan struct{}
	// Woken, if not nil, is received from when this machine was suspended, with how long that was:
	// a pause ends, and so does a running call whose server gives no sign of life within seconds.
	Woken <-chan time.Duration
	// CheckWay, if not nil, says why a call between these outer addresses cannot live on, in words
	// for people such as "192.0.2.7 is no address of this machine any more": the call ends at once
	// then, as a broken link. It is asked after every NetworkChanged, and when the server has
	// fallen silent; it must not block.
	CheckWay func(local, server netip.Addr) error

	// CarryGRE, if not nil, has the raw socket of a call, where the package opens it, leave by the
	// interface that leads to the server: see gre.Options.Carry.
	CarryGRE func(server netip.Addr, leaveBy func(ifindex int) error) (release func())

	// OnDemand, if not nil, has Run dial only when a packet asks for the tunnel, and again after
	// every end that is not final, as with Reconnect; IdleTimeout then ends the call and not Run.
	// It is called before each wait for a packet, and gives the device, made and routed without a
	// call, and the device's IPv4 address, which may be one of no network. Packets that come until
	// the tunnel is up are kept, within bounds, and sent then, unless they come from an address
	// that the device has no more.
	OnDemand func(context.Context) (dev netdev.Device, local netip.Addr, err error)

	// Mark is the firewall mark of the GRE that the package sends: see gre.Options.Mark. Whoever
	// gives Dial marks the control connection.
	Mark uint32

	// Bring makes the local end for a network and gives its device. It is called after every
	// negotiation, and gives the same device again if that fits. What Bring made outlives the call:
	// traffic waits there instead of leaving by another route while the client reconnects.
	Bring func(context.Context, Network) (netdev.Device, error)
	// Changed, if not nil, is told when the tunnel is up (with its network) and when it is down.
	Changed func(up bool, n Network)
	// Retrying, if not nil, is told why an attempt, or a tunnel that was up, has ended, when
	// another attempt follows. It must not block.
	Retrying func(reason error)

	Dial      func(ctx context.Context, address string) (net.Conn, error) // nil: TCP
	ListenGRE func(local, peer netip.Addr) (gre.Conn, error)              // nil: a raw socket
	// RecordGRE, if not nil, is shown every GRE packet of every call, but in a build with the tag
	// nocapture.
	RecordGRE gre.Recorder
}

// String hides the password from logs.
func (c ClientConfig) String() string {
	return fmt.Sprintf("tunnel.ClientConfig{Server: %q, User: %q}", c.Server, c.User)
}

// GoString hides the password from logs.
func (c ClientConfig) GoString() string { return c.String() }

// Client keeps one tunnel to a server.
type Client struct {
	cfg       ClientConfig
	abandoned *abandonment
	falls     falls
	current   atomic.Pointer[session.Session] // the session that is up
	strays    atomic.Uint64                   // GRE packets for no session
	// unrouted counts IP packets that came from the device while no session was up.
	unrouted atomic.Uint64
	// looped counts packets of the call itself that came from the device.
	looped atomic.Uint64
	loop   clientLoop
	demand *demand // nil: the tunnel is always wanted

	// Of Run's goroutine: how the last call's link ended, and whether the next one has EAP in
	// front.
	askedEAP, loggedIn, eapFirst bool

	mu      sync.Mutex
	dev     netdev.Device    // the device that is being read
	devErr  error            // why the device of this session can be read no more
	session *session.Session // the session, up or not
	since   time.Time        // when the tunnel came up in this attempt, or zero
	everUp  bool             // it has been up in this Run
	trying  status.Client    // what the client does, for status
	past    totals
}

// NewClient checks a configuration. Nothing is opened yet.
func NewClient(cfg ClientConfig) (*Client, error) {
	var err error
	if cfg.Options, err = cfg.Options.withDefaults(); err != nil {
		return nil, err
	}
	if cfg.Bring == nil {
		return nil, errors.New("tunnel: ClientConfig needs Bring")
	}
	if cfg.Server, err = serverAddress(cfg.Server); err != nil {
		return nil, err
	}
	if err := cfg.checkTimes(); err != nil {
		return nil, err
	}
	if cfg.Dial == nil {
		cfg.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp4", address)
		}
	}
	if cfg.ListenGRE == nil {
		cfg.ListenGRE = func(local, peer netip.Addr) (gre.Conn, error) {
			o := cfg.listenOptions()
			o.Peer, o.Mark = peer, cfg.Mark
			if cfg.CarryGRE != nil {
				o.Carry = func(leaveBy func(int) error) func() { return cfg.CarryGRE(peer, leaveBy) }
			}
			return gre.Listen(local, o)
		}
	}
	// A link made now proves the link's settings, before anything is dialled.
	probe := cfg.pppConfig()
	probe.User, probe.Password = cfg.User, cfg.Password
	probe.Send, probe.Event = func([]byte) {}, func(ppp.Event) {}
	if _, err := ppp.New(probe); err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, abandoned: newAbandonment(), falls: make(falls, 1)}
	if cfg.OnDemand != nil {
		c.demand = &demand{ipv6: cfg.IPv6, woken: make(chan struct{}, 1)}
	}
	return c, nil
}

// serverAddress completes HOST or HOST:PORT.
func serverAddress(s string) (string, error) {
	if s == "" {
		return "", errors.New("server is empty: give HOST or HOST:PORT")
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = s, fmt.Sprint(Port)
	}
	if a, err := netip.ParseAddr(host); err == nil && !a.Unmap().Is4() {
		return "", fmt.Errorf("server %s: PPTP runs over IPv4 only", s)
	}
	if host == "" {
		return "", fmt.Errorf("server %q: no host before the port", s)
	}
	return net.JoinHostPort(host, port), nil
}

const (
	dialTimeout = 15 * time.Second
	// freshDial is how long an attempt to dial may go on when the network changes: one that is
	// older may have sent its packets, or asked its name servers, where no answer comes from, and
	// waits for seconds before it does so again.
	freshDial = time.Second
)

// dial opens the control connection, and tries anew when the network has changed meanwhile.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	for {
		tcp, stale, err := c.dialOnce(ctx)
		if !stale || err == nil || ctx.Err() != nil {
			return tcp, err
		}
	}
}

// dialOnce is one try; stale reports that it failed because the network has changed under it.
func (c *Client) dialOnce(ctx context.Context) (tcp net.Conn, stale bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	select {
	case <-c.cfg.NetworkChanged: // before this try: it goes by the new network already
	default:
	}
	select {
	case <-c.cfg.Woken:
	default:
	}
	var changed atomic.Bool
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-done:
			return
		case <-time.After(freshDial):
		}
		select {
		case <-done:
		case <-c.cfg.NetworkChanged:
			changed.Store(true)
			cancel()
		case <-c.cfg.Woken:
			changed.Store(true)
			cancel()
		}
	}()
	tcp, err = c.cfg.Dial(ctx, c.cfg.Server)
	close(done)
	<-watched
	return tcp, changed.Load(), err
}

// once makes one call and works it until it ends.
func (c *Client) once(ctx context.Context) error {
	ctx, limit := limitAttempt(ctx, c.cfg.ConnectTimeout)
	defer limit.end()
	tcp, err := c.dial(ctx)
	switch {
	case limit.over():
		return limit.failure("server %s does not answer on TCP", c.cfg.Server)
	case err != nil:
		return dialError(c.cfg.Server, err)
	}
	defer tcp.Close()
	local, peer, err := ends(tcp)
	if err != nil {
		return failure(ClassNetwork, err, "control connection")
	}
	// The raw socket must be there before the first LCP frame comes, or the kernel answers that
	// with an ICMP error.
	conn, err := c.cfg.ListenGRE(local, peer)
	if err != nil {
		return failure(classOfOpen(err), err, "GRE socket")
	}
	defer conn.Close()
	if features.Capture && c.cfg.RecordGRE != nil {
		conn = gre.Record(conn, c.cfg.RecordGRE)
	}
	c.loop.set(netip.AddrPortFrom(peer, controlPort(tcp)))
	c.waitsFor(status.ForCall, limit.by)
	return newClientCall(c, tcp, conn, local, peer, limit).run(ctx)
}

// begin and over keep the one session there is for status.
func (c *Client) begin(s *session.Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.devErr = s, nil
}

func (c *Client) over(s *session.Session) {
	last := s.LastWords(slog.LevelInfo, s.End())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = nil
	c.past.add(last)
}

// ends gives the outer addresses of a control connection.
func ends(tcp net.Conn) (local, peer netip.Addr, err error) {
	l, err1 := netip.ParseAddrPort(tcp.LocalAddr().String())
	p, err2 := netip.ParseAddrPort(tcp.RemoteAddr().String())
	return l.Addr().Unmap(), p.Addr().Unmap(), errors.Join(err1, err2)
}

// controlPort is the server's port of a control connection.
func controlPort(tcp net.Conn) uint16 {
	p, err := netip.ParseAddrPort(tcp.RemoteAddr().String())
	if err != nil {
		return Port
	}
	return p.Port()
}

func classOfOpen(err error) Class {
	if errors.Is(err, os.ErrPermission) {
		return ClassPermission
	}
	return ClassNetwork
}

// dialError says in words why a server was not reached.
func dialError(server string, err error) error {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return failure(ClassNetwork, nil, "server %s: no such host", server)
	case errors.As(err, &dns):
		return failure(ClassNetwork, nil, "server %s: its name cannot be looked up (%s)", server, dns.Err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return failure(ClassNetwork, nil, "server %s does not answer on TCP within %v: is it up, and is port %d open on the way?", server, dialTimeout, Port)
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure(ClassNetwork, nil, "server %s refuses TCP connections: no PPTP server listens there", server)
	}
	return failure(ClassNetwork, err, "server %s cannot be reached", server)
}

// isUp and isDown note that packets pass, and that they do not for the time being.
func (c *Client) isUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	if c.since.IsZero() {
		c.since = now
	}
	c.everUp = true
	c.trying = status.Client{State: status.Up, Since: now, WokenBy: c.trying.WokenBy}
}

func (c *Client) isDown() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trying.State, c.trying.Since = status.Connecting, c.cfg.Now()
	c.trying.WaitsFor, c.trying.Until = status.ForLink, time.Time{}
}

// read starts reading a device that Bring gave, unless it is the one already read.
func (c *Client) read(dev netdev.Device) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if dev == c.dev {
		return
	}
	c.dev = dev
	r := session.NewDeviceReader(dev, session.Routing{
		Session: func([]byte) *session.Session { return c.current.Load() }, Unclaimed: c.unclaimed(), Unrouted: &c.unrouted, Loop: &c.loop, Looped: &c.looped,
	}, c.cfg.sizes())
	go func() {
		defer c.falls.catch()
		c.unreadable(dev, r.Run())
	}()
}

// unreadable forgets a device that is read no more, and ends the session that needs it; err is nil
// if its owner has closed it.
func (c *Client) unreadable(dev netdev.Device, err error) {
	c.mu.Lock()
	if c.dev == dev {
		c.dev, c.devErr = nil, err
	}
	c.mu.Unlock()
	if s := c.current.Load(); s != nil && err != nil {
		s.Close("the local device failed")
	}
	if c.demand != nil {
		c.demand.wake()
	}
}

// deviceError is why the session's device failed, or nil.
func (c *Client) deviceError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.devErr
}
