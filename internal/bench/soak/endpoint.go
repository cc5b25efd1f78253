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

// end is what both ends of the tunnel have, life after life.
type end struct {
	name  string
	host  lab.Host
	clock *clock
	gre   socket
	local local
	port  *port // of the traffic
	fault func(format string, values ...any)
	plant func(netdev.Device) netdev.Device // tests put what a tunnel must not do between it and its device

	mu    sync.Mutex // guards what follows
	past  tally      // of lives whose accounts are closed
	lives []*life    // the others, the present one last
	wires []net.Conn // control connections that are open
	dev   netdev.Device
}

// life is one server or client, from its start to its end.
type life struct {
	snapshot func() status.Snapshot
	stop     context.CancelFunc
	done     chan struct{} // closed when it has ended
}

// start begins a life; run returns when ctx ends.
func (e *end) start(snapshot func() status.Snapshot, run func(ctx context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	l := &life{snapshot: snapshot, stop: stop, done: make(chan struct{})}
	e.mu.Lock()
	e.lives = append(e.lives, l)
	e.mu.Unlock()
	go func() {
		defer close(l.done)
		run(ctx)
	}()
}

// endPatience bounds what the end of a life may take: a farewell is repeated for some seconds on a
// link that loses it.
const endPatience = time.Minute

// finish ends the present life and waits for it. A kill takes all that it has open away first, as a
// system does with that of a process that has died: there is no farewell.
func (e *end) finish(kill bool) {
	if kill {
		e.cut()
	}
	e.mu.Lock()
	l := e.lives[len(e.lives)-1]
	e.mu.Unlock()
	l.stop()
	select {
	case <-l.done:
	case <-time.After(endPatience):
		e.fault("the %s has not ended within %v", e.name, endPatience)
	}
	e.cut()
}

// cut closes everything that is open.
func (e *end) cut() {
	e.gre.closeAll()
	e.mu.Lock()
	wires, dev := e.wires, e.dev
	e.wires, e.dev = nil, nil
	e.mu.Unlock()
	for _, c := range wires {
		abort(c)
	}
	e.port.close()
	if dev != nil {
		if err := dev.Close(); err != nil {
			e.fault("closing the %s's device: %v", e.name, err)
		}
	}
}

// tally sums the counters of all lives.
func (e *end) tally() tally {
	e.mu.Lock()
	defer e.mu.Unlock()
	sum := tally{}
	sum.add(e.past)
	for _, l := range e.lives {
		sum.add(tallyOf(l.snapshot()))
	}
	return sum
}

// closeAccounts sums up lives that have ended. Their accounts have balanced: nothing is added to
// them any more.
func (e *end) closeAccounts() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.past == nil {
		e.past = tally{}
	}
	var open []*life
	for _, l := range e.lives {
		select {
		case <-l.done:
			e.past.add(tallyOf(l.snapshot()))
		default:
			open = append(open, l)
		}
	}
	e.lives = open
	e.gre.retire()
}

// wire keeps a control connection until it is closed.
func (e *end) wire(c net.Conn) net.Conn {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := &wire{Conn: c, end: e}
	e.wires = append(e.wires, w)
	return w
}

// wire is a control connection that is closed once only.
type wire struct {
	net.Conn
	end  *end
	once sync.Once
	err  error
}

func (w *wire) Close() error {
	w.once.Do(func() {
		w.end.mu.Lock()
		for i, c := range w.end.wires {
			if c == w {
				w.end.wires = append(w.end.wires[:i], w.end.wires[i+1:]...)
				break
			}
		}
		w.end.mu.Unlock()
		w.err = w.Conn.Close()
	})
	return w.err
}

// abort closes a connection with a reset, where its kind has one.
func abort(c net.Conn) {
	if w, ok := c.(*wire); ok {
		if tcp, ok := w.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	} else if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// devicePatience is how long the last device may take to be gone.
const devicePatience = 10 * time.Second

// device gives the end's device, and makes one if there is none, with the traffic's sockets on it.
func (e *end) device(ctx context.Context) (netdev.Device, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dev != nil {
		return e.dev, nil
	}
	inner, err := e.host.Device(ctx, tunnel.DefaultMTU)
	for until := time.Now().Add(devicePatience); err != nil && time.Now().Before(until); inner, err = e.host.Device(ctx, tunnel.DefaultMTU) {
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		return nil, err
	}
	if err := e.port.open(e.host); err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	e.dev = &tappedDevice{Device: inner, local: &e.local}
	if e.plant != nil {
		e.dev = e.plant(e.dev)
	}
	return e.dev, nil
}

// listener hands out control connections that the end keeps.
type listener struct {
	net.Listener
	end *end
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.end.wire(c), nil
}

// address is where the server listens at present.
type address struct{ text atomic.Pointer[string] }

func (a *address) dial(ctx context.Context, e *end) (net.Conn, error) {
	to := a.text.Load()
	if to == nil {
		return nil, errors.New("no server has listened yet")
	}
	c, err := e.host.Dial(ctx, lab.Raw, *to)
	if err != nil {
		return nil, err
	}
	return e.wire(c), nil
}

func (s Settings) options(e *end) tunnel.Options {
	first := s.FirstSeq
	o := tunnel.Options{
		MPPE: s.MPPE, EchoInterval: echoInterval, EchoFailures: echoFailures, FirstSequence: &first, Now: e.clock.now,
	}
	o.Reorder.Policy = s.Policy
	return o
}

// unexpected says what is wrong with the reason for which a call ended, if anything is: networks do
// fail here, but nobody has a wrong password.
func unexpected(err error) error {
	switch tunnel.ClassOf(err) {
	case tunnel.ClassNetwork, tunnel.ClassPeer, tunnel.ClassAdmin:
		return nil
	}
	return fmt.Errorf("a call ended because of %v: %w", tunnel.ClassOf(err), err)
}
