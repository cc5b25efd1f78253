package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

var (
	stageServer = netip.MustParseAddr("192.0.2.1")
	stageClient = netip.MustParseAddr("198.51.100.7")
)

// stage is a server and a client in memory, in a bubble of testing/synctest: time passes only while
// all wait, so that what takes a minute takes none, and takes exactly that minute.
type stage struct {
	t        *testing.T
	network  *memnet.Network
	listener *memListener
	serverCf tunnel.ServerConfig
	clientCf tunnel.ClientConfig
	server   *tunnel.Server
	client   *tunnel.Client
	serverLn *lines // the logs
	clientLn *lines
	up, down chan struct{}
	leave    context.CancelFunc // control-C at the client
	stop     context.CancelFunc // the same at the server
	ended    chan error         // the client's
	stopped  chan error         // the server's

	dev      *memnet.Device     // the client's
	changed  chan struct{}      // the client's ClientConfig.NetworkChanged
	woken    chan time.Duration // and its Woken
	foreign  bool               // what listens is no server of ours
	occupied bool               // bob is there already
	failing  int                // logins with wrong passwords from the client's address before the client's own, alice's first
	dialErr  error              // what comes of dialling, if not nil
	others   []func()           // ends of other clients

	// What may change while all runs; see changing.
	password          atomic.Value // string
	openErr, bringErr atomic.Value // syscall.Errno
	dialFails         atomic.Bool

	mu    sync.Mutex
	tcp   *memConn // the client's end of the control connection
	carry func(s *stage, from netip.Addr, h gre.Header, frame []byte) [][]byte
}

// newStage prepares both ends; play starts them.
func newStage(t *testing.T) *stage {
	t.Helper()
	backend, err := arc4.Lookup("unrolled") // none that would be measured: the clock of a bubble stands still
	require.NoError(t, err)
	addresses, err := pool.Parse("10.99.0.100-10.99.0.109")
	require.NoError(t, err)
	s := &stage{
		t: t, listener: &memListener{conns: make(chan net.Conn), closed: make(chan struct{})}, serverLn: new(lines), clientLn: new(lines),
		dev: memnet.NewDevice(), changed: make(chan struct{}, 1), woken: make(chan time.Duration, 1), up: make(chan struct{}, 100), down: make(chan struct{}, 100), ended: make(chan error, 1), stopped: make(chan error, 1),
	}
	s.network = memnet.New(memnet.Options{Carry: s.carryAll})
	s.serverCf = tunnel.ServerConfig{
		Options:   tunnel.Options{Log: slog.New(s.serverLn), Backend: backend},
		Listeners: []net.Listener{s.listener}, Device: memnet.NewDevice(), LocalIP: netip.MustParseAddr("10.99.0.1"), Pool: addresses, Readers: 1,
		Lookup: func(user string) (tunnel.Account, bool) {
			return tunnel.Account{Account: ppp.Account{Password: "secret"}}, user == "alice" || user == "bob"
		},
		ListenGRE: s.network.Listen,
	}
	s.clientCf = tunnel.ClientConfig{
		Options: tunnel.Options{Log: slog.New(s.clientLn), Backend: backend},
		Server:  stageServer.String(), User: "alice", Password: "secret",
		Bring: func(context.Context, tunnel.Network) (netdev.Device, error) { return s.dev, nil },
		Changed: func(up bool, _ tunnel.Network) {
			if up {
				s.up <- struct{}{}
			} else {
				s.down <- struct{}{}
			}
		},
		Dial: s.dial, NetworkChanged: s.changed, Woken: s.woken,
		ListenGRE: func(local, _ netip.Addr) (gre.Conn, error) { return s.network.Listen(local) },
	}
	return s
}

// play starts both.
func (s *stage) play() {
	s.t.Helper()
	var err error
	s.server, err = tunnel.NewServer(s.serverCf)
	require.NoError(s.t, err)
	s.client, err = tunnel.NewClient(s.clientCf)
	require.NoError(s.t, err)
	serving, stop := context.WithCancel(s.t.Context())
	running, leave := context.WithCancel(s.t.Context())
	s.stop, s.leave = stop, leave
	if s.foreign {
		s.stopped <- nil
	} else {
		go func() { s.stopped <- s.server.Serve(serving) }()
	}
	if s.occupied {
		s.another("bob")
	}
	for i := range s.failing {
		s.fail(i)
	}
	go func() { s.ended <- s.client.Run(running) }()
}

// end takes everything away.
func (s *stage) end() {
	s.leave()
	s.stop()
	s.dev.Close()
	for _, end := range s.others {
		end()
	}
	s.listener.Close()
	<-s.stopped
}

// dial is the client's.
func (s *stage) dial(ctx context.Context, _ string) (net.Conn, error) {
	switch {
	case s.dialErr == errHang:
		<-ctx.Done()
		return nil, ctx.Err()
	case s.dialErr != nil:
		return nil, s.dialErr
	}
	client, err := s.dialFrom(stageClient)
	if err == nil {
		s.mu.Lock()
		s.tcp = client
		s.mu.Unlock()
		return client, nil
	}
	return nil, err
}

// dialFrom opens a control connection from an address.
func (s *stage) dialFrom(from netip.Addr) (*memConn, error) {
	a, b := net.Pipe()
	client := &memConn{Conn: a, local: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 40000)), remote: net.TCPAddrFromAddrPort(netip.AddrPortFrom(stageServer, 1723))}
	server := &memConn{Conn: b, local: client.remote, remote: client.local}
	client.other, server.other = server, client
	select {
	case s.listener.conns <- server:
	case <-s.listener.closed:
		return nil, errors.New("connection refused")
	}
	return client, nil
}

// carrying sets what happens to GRE packets on the way: carry gives the frames that arrive in the
// place of one.
func (s *stage) carrying(carry func(s *stage, from netip.Addr, h gre.Header, frame []byte) [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.carry = carry
}

func (s *stage) carryAll(from, to netip.Addr, packets [][]byte) {
	s.mu.Lock()
	carry := s.carry
	s.mu.Unlock()
	for _, p := range packets {
		h, frame, err := gre.Parse(p)
		if carry == nil || err != nil {
			s.network.Arrive(from, to, p)
			continue
		}
		for _, f := range carry(s, from, h, frame) {
			h.PayloadLen = uint16(len(f))
			s.network.Arrive(from, to, append(h.AppendTo(nil), f...))
		}
	}
}

// nothing loses every packet.
func nothing(*stage, netip.Addr, gre.Header, []byte) [][]byte { return nil }

// pppFrame makes a frame of a PPP control protocol.
func pppFrame(proto uint16, code, id byte, data []byte) []byte {
	b := ppp.AppendHeader(nil, proto, false, false)
	return append(append(b, code, id, byte((4+len(data))>>8), byte(4+len(data))), data...)
}

// rewriting replaces the data of control packets of one kind that come from the server.
func rewriting(proto uint16, code byte, data []byte) func(*stage, netip.Addr, gre.Header, []byte) [][]byte {
	return func(_ *stage, from netip.Addr, _ gre.Header, frame []byte) [][]byte {
		if p, info, err := ppp.ParseFrame(frame); err == nil && from == stageServer && p == proto && len(info) >= 4 && info[0] == code {
			frame = pppFrame(proto, code, info[1], data)
		}
		return [][]byte{frame}
	}
}

// memListener gives control connections that never were on a network.
type memListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error { l.once.Do(func() { close(l.closed) }); return nil }
func (l *memListener) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(stageServer, 1723))
}

// memConn is one end of a control connection.
type memConn struct {
	net.Conn
	local, remote net.Addr
	other         *memConn

	mu  sync.Mutex
	err error // what both ends read at the end
	off bool  // what comes is lost
}

func (c *memConn) LocalAddr() net.Addr  { return c.local }
func (c *memConn) RemoteAddr() net.Addr { return c.remote }

func (c *memConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		c.mu.Lock()
		off, own := c.off, c.err
		c.mu.Unlock()
		switch {
		case err == nil && off:
			continue
		case err != nil && own != nil:
			err = own
		}
		return n, err
	}
}

// cut loses what is sent either way from now on, and tells nobody.
func (c *memConn) cut() {
	for _, e := range []*memConn{c, c.other} {
		e.mu.Lock()
		e.off = true
		e.mu.Unlock()
	}
}

// fail ends the connection with an error at both ends.
func (c *memConn) fail(err error) {
	for _, e := range []*memConn{c, c.other} {
		e.mu.Lock()
		e.err = err
		e.mu.Unlock()
		e.Conn.Close()
	}
}

// lines is a log that keeps, of each line, its message and its reason or error.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (l *lines) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l *lines) WithGroup(string) slog.Handler                    { return l }

func (l *lines) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "reason" || a.Key == "error" {
			text += ": " + a.Value.String()
		}
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, text)
	return nil
}

// of gives the lines that begin with a word, without it.
func (l *lines) of(begins string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if rest, ok := strings.CutPrefix(line, begins); ok {
			found = append(found, rest)
		}
	}
	return found
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

// waitUp waits until the client's tunnel is up.
func (s *stage) waitUp() {
	s.t.Helper()
	select {
	case <-s.up:
		synctest.Wait()
	case err := <-s.ended:
		require.FailNow(s.t, "the client ended", "%v", err)
	}
}

// waitEnd waits until the client ends, and gives what the program prints, its exit code, and how
// long that took.
func (s *stage) waitEnd() (printed string, code int, took time.Duration) {
	s.t.Helper()
	start := time.Now()
	select {
	case err := <-s.ended:
		if tunnel.ClassOf(err) == tunnel.ClassAdmin { // as connect does with an end that the user wants
			err = nil
		}
		var out bytes.Buffer
		code := exit.Report(&out, exit.With(exit.CodeOfClass(tunnel.ClassOf(err)), err))
		return strings.TrimSuffix(out.String(), "\n"), code, time.Since(start)
	case <-time.After(time.Hour):
		require.FailNow(s.t, "the client does not end", "client:\n%s\nserver:\n%s", s.clientLn, s.serverLn)
		return "", 0, 0
	}
}

// errHang is for a dial that goes on until it is given up.
var errHang = errors.New("hang")

// another logs a user in from another address, and stays.
func (s *stage) another(user string) {
	s.t.Helper()
	cfg := s.clientCf
	up := make(chan struct{}, 10)
	cfg.User, cfg.Password, cfg.Reconnect = user, "secret", false
	cfg.Options.Log = slog.New(new(lines))
	dev := memnet.NewDevice()
	cfg.Bring = func(context.Context, tunnel.Network) (netdev.Device, error) { return dev, nil }
	cfg.Changed = func(isUp bool, _ tunnel.Network) {
		if isUp {
			up <- struct{}{}
		}
	}
	cfg.Dial = func(context.Context, string) (net.Conn, error) { return s.dialFrom(netip.MustParseAddr("203.0.113.9")) }
	c, err := tunnel.NewClient(cfg)
	require.NoError(s.t, err)
	ctx, leave := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	select {
	case <-up:
	case err := <-ended:
		require.FailNow(s.t, "the other client ended", "%v", err)
	}
	s.others = append(s.others, func() {
		leave()
		<-ended
		dev.Close()
	})
}

// session is the client's session at the server.
func (s *stage) session() status.Session {
	for _, v := range s.server.Snapshot().Sessions {
		if v.Peer == stageClient.String() {
			return v
		}
	}
	s.t.Fatal("the server has no session of the client")
	return status.Session{}
}

// callID is the server's ID of the client's call, clientCall the client's.
func (s *stage) callID() uint16     { return uint16(s.session().Counters["call_id"]) }
func (s *stage) clientCall() uint16 { return uint16(s.session().Counters["peer_call_id"]) }

// say has the server say something on the control connection that it never meant to.
func (s *stage) say(m control.Message) { _, _ = s.tcp.other.Conn.Write(m.AppendTo(nil)) }

// wait gives the error that comes from a channel, in words.
func (s *stage) wait(c chan error) string {
	s.t.Helper()
	select {
	case err := <-c:
		return fmt.Sprint(err)
	case <-time.After(time.Hour):
		require.FailNow(s.t, "it does not end", "client:\n%s\nserver:\n%s", s.clientLn, s.serverLn)
		return ""
	}
}

// fail logs somebody in with a wrong password, from the client's address, and forgets what the
// server said of it.
func (s *stage) fail(i int) {
	cfg := s.clientCf
	cfg.User, cfg.Password, cfg.Reconnect = []string{"alice", "bob", "carol", "dave"}[i], "wrong", false
	cfg.Options.Log = slog.New(new(lines))
	c, err := tunnel.NewClient(cfg)
	require.NoError(s.t, err)
	require.Equal(s.t, tunnel.ClassAuth, tunnel.ClassOf(c.Run(s.t.Context())))
	synctest.Wait()
	s.serverLn.mu.Lock()
	defer s.serverLn.mu.Unlock()
	s.serverLn.all = nil
}
