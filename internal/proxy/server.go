package proxy

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

// Network is the one behind the tunnel; netstack.Dialer is one.
type Network interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Limits bound what clients can make a Server hold.
type Limits struct {
	Connections  int           // at once, associations among them; half of them may come through the tunnel; more are turned away
	Associations int           // of these: each holds some 200 KB, busy or not
	Handshakes   int           // connections that have not said yet what they want; the oldest goes for the next
	Handshake    time.Duration // that they have for it
	Dial         time.Duration // until what they want is reached
	HalfOpen     time.Duration // of silence, when one end has said that it is done
	Buffer       int           // bytes that a busy connection holds each way
}

// LimitsOf are those for a machine with little memory, or not.
func LimitsOf(small bool) Limits {
	l := Limits{Connections: 4096, Associations: 256, Handshakes: 2048, Handshake: 20 * time.Second, Dial: 30 * time.Second, HalfOpen: 5 * time.Minute, Buffer: 64 << 10}
	if small {
		l.Connections, l.Associations, l.Handshakes, l.Buffer = 256, 16, 128, 16<<10
	}
	return l
}

// Config of New.
type Config struct {
	Network  Network
	User     string // who may; empty: whoever can connect
	Password string
	Limits   Limits
	Log      *slog.Logger // nil: slog.Default
}

// String hides the password from logs.
func (c Config) String() string { return "proxy.Config" }

// GoString hides the password from logs.
func (c Config) GoString() string { return c.String() }

// Server has listeners, and passes on what comes to them. Its methods may be called from any
// goroutine.
type Server struct {
	network  Network
	login    login
	limits   Limits
	log      *slog.Logger
	complain *complaints
	buffers  sync.Pool
	ctx      context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup
	relaying atomic.Int32 // associations

	mu         sync.Mutex
	listeners  []*listener
	open       map[net.Conn]struct{}
	fromTunnel int        // connections that are open, and came through the tunnel
	handshakes *list.List // of net.Conn, the oldest first
	closed     bool
}

// New makes a server without listeners.
func New(c Config) *Server {
	s := &Server{
		network: c.Network, login: newLogin(c.User, c.Password), limits: c.Limits, log: cmp.Or(c.Log, slog.Default()),
		open: make(map[net.Conn]struct{}), handshakes: list.New(),
	}
	s.complain = &complaints{log: s.log}
	s.buffers.New = func() any { b := make([]byte, s.limits.Buffer); return &b }
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// listener is one of a server's.
type listener struct {
	net.Listener
	kind, to string
	handle   func(*conn)
	counters
}

const reverse = "reverse" // a kind

// isReverse reports whether connections come to the listener through the tunnel.
func (l *listener) isReverse() bool { return l.kind == reverse }

// Protocols are what a listener of Serve speaks; a client's first byte tells which.
type Protocols struct{ SOCKS5, HTTP bool }

func (p Protocols) kind() string {
	switch {
	case p.SOCKS5 && p.HTTP:
		return "socks5 and http"
	case p.HTTP:
		return "http"
	}
	return "socks5"
}

// Serve passes on what clients ask for, until l or the server is closed. It returns at once.
func (s *Server) Serve(l net.Listener, p Protocols) {
	s.add(&listener{Listener: l, kind: p.kind(), handle: func(c *conn) { s.serve(c, p) }})
}

// Forward passes connections on to HOST:PORT behind the tunnel.
func (s *Server) Forward(l net.Listener, to string) {
	s.add(&listener{Listener: l, kind: "forward", to: to, handle: func(c *conn) { s.forward(c, to, s.network.DialContext) }})
}

// Reverse passes connections to a listener in the tunnel on to HOST:PORT of this machine.
func (s *Server) Reverse(l net.Listener, to string) {
	var d net.Dialer
	s.add(&listener{Listener: l, kind: reverse, to: to, handle: func(c *conn) { s.forward(c, to, d.DialContext) }})
}

func (s *Server) add(l *listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		l.Close()
		return
	}
	s.listeners = append(s.listeners, l)
	s.running.Go(func() { s.accept(l) })
}

// slowest is the longest pause after an error of accepting, such as too many open files.
const slowest = time.Second

func (s *Server) accept(l *listener) {
	pause := time.Millisecond
	for {
		tcp, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			s.complain.say("a proxy accepts nothing", "address", l.Addr(), "error", err)
			select {
			case <-s.ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, slowest)
			continue
		}
		pause = time.Millisecond
		l.accepted.Add(1)
		c := &conn{Conn: tcp, on: l}
		in, crowded := s.enter(c)
		if crowded {
			s.complain.say("there are more connections than the proxies hold at once: some are turned away", "address", l.Addr(),
				"connections", s.limits.Connections, "handshakes", s.limits.Handshakes)
		}
		if !in {
			l.full.Add(1)
			tcp.Close()
			continue
		}
		s.running.Go(func() {
			defer s.leave(c)
			l.handle(c)
		})
	}
}

// conn is a client's connection.
type conn struct {
	net.Conn
	on    *listener
	place *list.Element // among the handshakes; nil: it has said what it wants
}

// enter takes a connection in, unless there are too many. Whoever has not said what it wants makes
// room for it. It is crowded if this one or another had to go.
func (s *Server) enter(c *conn) (in, crowded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, false
	}
	if len(s.open) >= s.limits.Connections {
		return false, true
	}
	if c.on.isReverse() {
		// Whoever is behind the tunnel cannot take this machine's own connections away from it.
		if s.fromTunnel >= s.limits.Connections/2 {
			return false, true
		}
		s.fromTunnel++
	}
	s.open[c.Conn] = struct{}{}
	c.on.open.Add(1)
	c.place = s.handshakes.PushBack(c.Conn)
	if s.handshakes.Len() > s.limits.Handshakes {
		s.handshakes.Remove(s.handshakes.Front()).(net.Conn).Close()
		crowded = true
	}
	_ = c.SetDeadline(time.Now().Add(s.limits.Handshake))
	return true, crowded
}

// agreed notes that a connection has said what it wants; it is false if its time was up.
func (s *Server) agreed(c *conn) bool {
	s.mu.Lock()
	s.settle(c)
	s.mu.Unlock()
	return c.SetDeadline(time.Time{}) == nil
}

// settle takes a connection out of the handshakes. The caller holds mu.
func (s *Server) settle(c *conn) {
	if c.place != nil {
		s.handshakes.Remove(c.place)
		c.place = nil
	}
}

func (s *Server) leave(c *conn) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(c)
	delete(s.open, c.Conn)
	if c.on.isReverse() {
		s.fromTunnel--
	}
	c.on.open.Add(^uint64(0))
}

// Close ends the listeners and all connections, and waits for both.
func (s *Server) Close() {
	s.stop()
	s.mu.Lock()
	s.closed = true
	for _, l := range s.listeners {
		l.Close()
	}
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// Status is what arc4 status shows of it.
func (s *Server) Status() []status.ProxyListener {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]status.ProxyListener, len(s.listeners))
	for i, l := range s.listeners {
		all[i] = l.counters.snapshot()
		all[i].Kind, all[i].Address, all[i].To = l.kind, l.Addr().String(), l.to
	}
	return all
}
