package soak

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// endpoint is one end of the tunnel. It runs one instance, a server or a client, after another.
type endpoint struct {
	name       string
	host       lab.Host
	clock      *clock
	gre        greTap
	device     deviceTap
	traffic    *trafficSockets // of the traffic
	fault      func(format string, values ...any)
	wrapDevice func(netdev.Device) netdev.Device // tests put what a tunnel must not do between it and its device

	mu           sync.Mutex  // guards what follows
	past         counters    // of instances that have ended
	instances    []*instance // the others, the present one last
	controlConns []net.Conn  // control connections that are open
	current      netdev.Device
}

// instance is one server or client, from its start to its end.
type instance struct {
	snapshot func() status.Snapshot
	stop     context.CancelFunc
	done     chan struct{} // closed when it has ended
}

// start begins an instance; run returns when ctx ends.
func (e *endpoint) start(snapshot func() status.Snapshot, run func(ctx context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	l := &instance{snapshot: snapshot, stop: stop, done: make(chan struct{})}
	e.mu.Lock()
	e.instances = append(e.instances, l)
	e.mu.Unlock()
	go func() {
		defer close(l.done)
		run(ctx)
	}()
}

// endTimeout bounds what the end of an instance may take: a farewell is repeated for some seconds
// on a link that loses it.
const endTimeout = time.Minute

// finish ends the present instance and waits for it. A kill takes all that it has open away first,
// as a system does with that of a process that has died: there is no farewell.
func (e *endpoint) finish(kill bool) {
	if kill {
		e.closeAll()
	}
	e.mu.Lock()
	l := e.instances[len(e.instances)-1]
	e.mu.Unlock()
	l.stop()
	select {
	case <-l.done:
	case <-time.After(endTimeout):
		e.fault("the %s has not ended within %v", e.name, endTimeout)
	}
	e.closeAll()
}

// closeAll closes everything that is open.
func (e *endpoint) closeAll() {
	e.gre.closeAll()
	e.mu.Lock()
	wires, dev := e.controlConns, e.current
	e.controlConns, e.current = nil, nil
	e.mu.Unlock()
	for _, c := range wires {
		resetConn(c)
	}
	e.traffic.close()
	if dev != nil {
		if err := dev.Close(); err != nil {
			e.fault("closing the %s's device: %v", e.name, err)
		}
	}
}

// counters sums the counters of all instances.
func (e *endpoint) counters() counters {
	e.mu.Lock()
	defer e.mu.Unlock()
	sum := counters{}
	sum.add(e.past)
	for _, l := range e.instances {
		sum.add(countersOf(l.snapshot()))
	}
	return sum
}

// foldEnded sums up instances that have ended. Their accounts have balanced: nothing is added to
// them any more.
func (e *endpoint) foldEnded() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.past == nil {
		e.past = counters{}
	}
	var open []*instance
	for _, l := range e.instances {
		select {
		case <-l.done:
			e.past.add(countersOf(l.snapshot()))
		default:
			open = append(open, l)
		}
	}
	e.instances = open
	e.gre.retire()
}

// keep keeps a control connection until it is closed.
func (e *endpoint) keep(c net.Conn) net.Conn {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := &controlConn{Conn: c, end: e}
	e.controlConns = append(e.controlConns, w)
	return w
}

// controlConn is a control connection that is closed once only.
type controlConn struct {
	net.Conn
	end  *endpoint
	once sync.Once
	err  error
}

func (w *controlConn) Close() error {
	w.once.Do(func() {
		w.end.mu.Lock()
		for i, c := range w.end.controlConns {
			if c == w {
				w.end.controlConns = append(w.end.controlConns[:i], w.end.controlConns[i+1:]...)
				break
			}
		}
		w.end.mu.Unlock()
		w.err = w.Conn.Close()
	})
	return w.err
}

// resetConn closes a connection with a reset, where its kind has one.
func resetConn(c net.Conn) {
	if w, ok := c.(*controlConn); ok {
		if tcp, ok := w.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	} else if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// deviceTimeout is how long the last device may take to be gone.
const deviceTimeout = 10 * time.Second

// openDevice gives the end's device, and makes one if there is none, with the traffic's sockets on
// it.
func (e *endpoint) openDevice(ctx context.Context) (netdev.Device, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current != nil {
		return e.current, nil
	}
	inner, err := e.host.Device(ctx, tunnel.DefaultMTU)
	for until := time.Now().Add(deviceTimeout); err != nil && time.Now().Before(until); inner, err = e.host.Device(ctx, tunnel.DefaultMTU) {
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		return nil, err
	}
	if err := e.traffic.open(e.host); err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	e.current = &tappedDevice{Device: inner, tap: &e.device}
	if e.wrapDevice != nil {
		e.current = e.wrapDevice(e.current)
	}
	return e.current, nil
}

// keepingListener hands out control connections that the end keeps.
type keepingListener struct {
	net.Listener
	end *endpoint
}

func (l *keepingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.end.keep(c), nil
}

// serverAddress is where the server listens at present.
type serverAddress struct{ text atomic.Pointer[string] }

func (a *serverAddress) dial(ctx context.Context, e *endpoint) (net.Conn, error) {
	to := a.text.Load()
	if to == nil {
		return nil, errors.New("no server has listened yet")
	}
	c, err := e.host.Dial(ctx, lab.Raw, *to)
	if err != nil {
		return nil, err
	}
	return e.keep(c), nil
}

func (s endSettings) options(e *endpoint) tunnel.Options {
	first := s.FirstSeq
	o := tunnel.Options{
		MPPE: s.MPPE, EchoInterval: echoInterval, EchoFailures: echoFailures, FirstSequence: &first, Now: e.clock.now,
	}
	o.Reorder.Policy = s.Policy
	return o
}

// unexpectedEnd says what is wrong with the reason for which a call ended, if anything is: networks
// do fail here, but nobody has a wrong password.
func unexpectedEnd(err error) error {
	switch tunnel.ClassOf(err) {
	case tunnel.ClassNetwork, tunnel.ClassPeer, tunnel.ClassAdmin:
		return nil
	}
	return fmt.Errorf("a call ended because of %v: %w", tunnel.ClassOf(err), err)
}
