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

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
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
	Reconnect  bool // try again, with growing pauses, after anything but a refusal

	// Bring makes the local end for a network and gives its device. It is called after every negotiation, and gives the
	// same device again if that fits. What Bring made outlives the call: traffic waits there instead of leaving by
	// another route while the client reconnects.
	Bring func(context.Context, Network) (netdev.Device, error)
	// Changed, if not nil, is told when the tunnel is up (with its network) and when it is down.
	Changed func(up bool, n Network)

	Dial      func(ctx context.Context, address string) (net.Conn, error) // nil: TCP
	ListenGRE func(local, peer netip.Addr) (gre.Conn, error)              // nil: a raw socket
}

// String hides the password from logs.
func (c ClientConfig) String() string {
	return fmt.Sprintf("tunnel.ClientConfig{Server: %q, User: %q}", c.Server, c.User)
}

// GoString hides the password from logs.
func (c ClientConfig) GoString() string { return c.String() }

// Client keeps one tunnel to a server.
type Client struct {
	cfg     ClientConfig
	current atomic.Pointer[Session] // the session that is up
	strays  atomic.Uint64           // GRE packets for no session
	// unrouted counts IP packets that came from the device while no session was up.
	unrouted atomic.Uint64

	mu      sync.Mutex
	dev     netdev.Device // the device that is being read
	devErr  error         // why the device of this session can be read no more
	session *Session      // the session, up or not
	since   time.Time     // when the tunnel came up in this attempt, or zero
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
	if cfg.Dial == nil {
		cfg.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp4", address)
		}
	}
	if cfg.ListenGRE == nil {
		cfg.ListenGRE = func(local, peer netip.Addr) (gre.Conn, error) {
			return gre.Listen(local, gre.Options{Peer: peer, IO: cfg.IO, Log: cfg.Log})
		}
	}
	// A link made now proves the link's settings, before anything is dialled.
	probe := cfg.pppConfig()
	probe.User, probe.Password = cfg.User, cfg.Password
	probe.Send, probe.Event = func([]byte) {}, func(ppp.Event) {}
	if _, err := ppp.New(probe); err != nil {
		return nil, err
	}
	return &Client{cfg: cfg}, nil
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
	dialTimeout  = 15 * time.Second
	firstBackoff = time.Second
	lastBackoff  = time.Minute
	// steady is how long a tunnel must have been up for the next pause to start small again.
	steady = 30 * time.Second
)

// Run keeps the tunnel until it ends, and gives the reason, an *Error. With Reconnect it ends only when ctx does or the
// server refuses us. Close what Bring made only after Run has returned.
func (c *Client) Run(ctx context.Context) error {
	backoff := firstBackoff
	for {
		err := c.once(ctx)
		if ctx.Err() != nil {
			return failure(ClassAdmin, nil, "stopped")
		}
		if !c.cfg.Reconnect || !worthRetry(err) {
			return err
		}
		if c.wasUp() > steady {
			backoff = firstBackoff
		}
		c.cfg.Log.Warn("tunnel is down; trying again", "reason", err, "in", backoff)
		select {
		case <-ctx.Done():
			return failure(ClassAdmin, nil, "stopped")
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// wasUp is how long the tunnel has been up in the attempt that is over.
func (c *Client) wasUp() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		return 0
	}
	d := c.cfg.Now().Sub(c.since)
	c.since = time.Time{}
	return d
}

// worthRetry says whether another attempt could end differently. A refused password could lock an account.
func worthRetry(err error) bool {
	switch ClassOf(err) {
	case ClassAuth, ClassPolicy, ClassPermission:
		return false
	}
	return true
}

// once makes one call and works it until it ends.
func (c *Client) once(ctx context.Context) error {
	dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
	tcp, err := c.cfg.Dial(dialCtx, c.cfg.Server)
	cancel()
	if err != nil {
		return dialError(c.cfg.Server, err)
	}
	defer tcp.Close()
	local, peer, err := ends(tcp)
	if err != nil {
		return failure(ClassNetwork, err, "control connection")
	}
	// The raw socket must be there before the first LCP frame comes, or the kernel answers that with an ICMP error.
	conn, err := c.cfg.ListenGRE(local, peer)
	if err != nil {
		return failure(classOfOpen(err), err, "GRE socket")
	}
	defer conn.Close()
	return newClientCall(c, tcp, conn, local, peer).run(ctx)
}

// begin and over keep the one session there is for status.
func (c *Client) begin(s *Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.devErr = s, nil
}

func (c *Client) over(s *Session) {
	last := s.lastWords(slog.LevelInfo, s.end)
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

// read starts reading a device that Bring gave, unless it is the one already read: the tunnel is up.
func (c *Client) read(dev netdev.Device) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		c.since = c.cfg.Now()
	}
	if dev == c.dev {
		return
	}
	c.dev = dev
	r := &deviceReader{dev: dev, dispatch: dispatch{route: func([]byte) *Session { return c.current.Load() }, lost: &c.unrouted}}
	go func() { c.unreadable(dev, r.run()) }()
}

// unreadable forgets a device that is read no more, and ends the session that needs it; err is nil if its owner has
// closed it.
func (c *Client) unreadable(dev netdev.Device, err error) {
	c.mu.Lock()
	if c.dev == dev {
		c.dev, c.devErr = nil, err
	}
	c.mu.Unlock()
	if s := c.current.Load(); s != nil && err != nil {
		s.Close("the local device failed")
	}
}

// deviceError is why the session's device failed, or nil.
func (c *Client) deviceError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.devErr
}
