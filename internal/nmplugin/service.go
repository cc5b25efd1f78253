package nmplugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	objectPath = dbus.ObjectPath("/org/freedesktop/NetworkManager/VPN/Plugin")
	iface      = "org.freedesktop.NetworkManager.VPN.Plugin"
)

// state is what a plugin is in (NMVpnServiceState).
type state uint32

const (
	stateInit     state = 1
	stateStarting state = 3
	stateStarted  state = 4
	stateStopping state = 5
	stateStopped  state = 6
)

// Failure is why a tunnel could not be made or has ended (NMVpnPluginFailure).
type Failure uint32

// The failures that NetworkManager knows.
const (
	LoginFailed Failure = iota
	ConnectFailed
	BadIPConfig
)

// FailedError is what a Tunnel ends with that has failed.
type FailedError struct {
	Failure Failure
	// Again says that another value of the secret might do.
	Again bool
	Err   error
}

func (e *FailedError) Error() string { return e.Err.Error() }
func (e *FailedError) Unwrap() error { return e.Err }

// Tunnel is one that can be run, once.
type Tunnel interface {
	// Run keeps the tunnel until ctx ends, or it does, and calls up whenever it is up. That it is
	// down and will be made again nobody is told: NetworkManager would give up after a minute.
	Run(ctx context.Context, up func(Network)) error
	// Close removes the device, once NetworkManager has been told of the end, which first takes its
	// own back from it.
	Close()
}

// Options of Run. The times are there for tests; 0 stands for those of a service.
type Options struct {
	Bus     *dbus.Conn
	BusName string // which the service takes
	Service string // the type of connections that it is for
	Secret  string // the one that its connections have
	Log     *slog.Logger
	// Prepare makes a tunnel out of what a connection says, and changes nothing yet. An error is
	// for people: it names what is wrong.
	Prepare func(VPN) (Tunnel, error)

	Unused    time.Duration // how long the service waits for its first call; 0: a minute
	Asking    time.Duration // how long for a secret, which somebody types; 0: ten minutes
	Lingering time.Duration // how long it stays after a tunnel; 0: 20 seconds
	Ending    time.Duration // how long Disconnect waits for the tunnel's end; 0: 5 seconds
}

// maxRefused is how many secrets a server may refuse until a connection fails, as with ssh.
const maxRefused = 3

// service is a plugin on a bus.
type service struct {
	Options
	quit chan struct{} // closed when nobody needs the service any more

	mu      sync.Mutex
	state   state
	current *connecting
	caller  string // who has asked for a connection last
	left    bool   // and has left the bus
	idle    *time.Timer
	gone    bool // the service ends
}

// connecting is one connection, from Connect to its end.
type connecting struct {
	end         context.CancelCauseFunc
	ended       chan struct{}
	interactive bool     // others than NetworkManager may be asked for another secret
	fresh       chan VPN // has room for one: what NewSecrets brought
	waiting     bool     // for that
}

// Why a connection ends.
var (
	errDisconnected = errors.New("NetworkManager ends the connection")
	errCallerGone   = errors.New("NetworkManager has left the bus")
	errSetFailure   = errors.New("SetFailure was called")
)

// Run serves until ctx ends, or nobody has needed the service for a while. It has a tunnel ended
// before it returns.
func Run(ctx context.Context, o Options) error {
	o.Unused, o.Asking = cmp.Or(o.Unused, time.Minute), cmp.Or(o.Asking, 10*time.Minute)
	o.Lingering, o.Ending = cmp.Or(o.Lingering, 20*time.Second), cmp.Or(o.Ending, 5*time.Second)
	s := &service{Options: o, quit: make(chan struct{}), state: stateInit}
	s.mu.Lock()
	s.wait(o.Unused) // before there can be a call
	s.mu.Unlock()
	if err := s.export(); err != nil {
		return err
	}
	answer, err := o.Bus.RequestName(o.BusName, dbus.NameFlagDoNotQueue)
	switch {
	case err != nil:
		return fmt.Errorf("the bus name %s: %w", o.BusName, err)
	case answer != dbus.RequestNameReplyPrimaryOwner:
		return fmt.Errorf("the bus name %s is another program's: NetworkManager starts one for each connection", o.BusName)
	}
	select {
	case <-ctx.Done():
	case <-s.quit:
	case <-o.Bus.Context().Done():
		err = errors.New("the D-Bus has ended")
	}
	s.close()
	return err
}

// close ends what runs.
func (s *service) close() {
	s.mu.Lock()
	s.gone = true
	s.idle.Stop()
	c := s.stop(errDisconnected)
	s.mu.Unlock()
	if c != nil {
		<-c.ended
	}
}

// wait has the service end after a time without a connection. The caller holds mu.
func (s *service) wait(d time.Duration) {
	if s.idle != nil {
		s.idle.Stop()
	}
	s.idle = time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.current == nil {
			s.leave()
		}
	})
}

// leave has the service end. The caller holds mu.
func (s *service) leave() {
	if !s.gone {
		s.gone = true
		close(s.quit)
	}
}

// enter goes over to a state, and says so. The caller holds mu.
func (s *service) enter(to state) {
	if s.state != to {
		s.state = to
		s.emit("StateChanged", uint32(to))
	}
}

// emit sends a signal. The caller holds mu, so that signals leave in the order of what they tell.
func (s *service) emit(signal string, values ...any) {
	if err := s.Bus.Emit(objectPath, iface+"."+signal, values...); err != nil {
		s.Log.Warn("a signal is not sent", "signal", signal, "error", err)
	}
}

// stop has the connection end, if there is one that does not end yet, and gives it. The caller
// holds mu.
func (s *service) stop(why error) *connecting {
	c := s.current
	if c != nil && (s.state == stateStarting || s.state == stateStarted) {
		s.enter(stateStopping)
		c.end(why)
	}
	return c
}

// start begins a connection. The caller holds mu.
func (s *service) start(c *connecting, v VPN, t Tunnel) {
	ctx, end := context.WithCancelCause(context.Background())
	c.end, s.current = end, c
	s.idle.Stop()
	s.enter(stateStarting)
	s.Log.Info("connecting", "connection", v.ID)
	go func() {
		defer end(nil)
		err := s.keep(ctx, c, v, &t)
		s.finish(ctx, err)
		t.Close()
		s.release(c)
	}()
}

// keep runs the tunnel, and another with another secret as long as the server refuses it and
// somebody can be asked.
func (s *service) keep(ctx context.Context, c *connecting, v VPN, t *Tunnel) error {
	var now *Network // that NetworkManager has been told of
	up := func(n Network) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if ctx.Err() != nil || now != nil && now.same(n) {
			return
		}
		now = &n
		s.emit("Config", n.config())
		s.emit("Ip4Config", n.ip4Config())
		s.enter(stateStarted)
	}
	for refused := 1; ; refused++ {
		err := (*t).Run(ctx, up)
		var failed *FailedError
		if ctx.Err() != nil || now != nil || !errors.As(err, &failed) || !failed.Again || refused == maxRefused || !c.interactive || !v.asked(s.Secret) {
			return err
		}
		s.Log.Warn("asking again", "reason", err)
		if v, err = s.another(ctx, c, err); err != nil {
			return err
		}
		next, err := s.Prepare(v)
		if err != nil {
			return &FailedError{Failure: LoginFailed, Err: err}
		}
		(*t).Close()
		*t = next
	}
}

// another waits for another secret.
func (s *service) another(ctx context.Context, c *connecting, why error) (VPN, error) {
	s.mu.Lock()
	c.waiting = true
	s.emit("SecretsRequired", why.Error(), []string{s.Secret})
	s.mu.Unlock()
	timeout := time.NewTimer(s.Asking)
	defer timeout.Stop()
	select {
	case v := <-c.fresh:
		return v, nil
	case <-timeout.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.waiting = false
	return VPN{}, why
}

// finish says how a connection has ended.
func (s *service) finish(ctx context.Context, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch why := context.Cause(ctx); {
	case errors.Is(why, errSetFailure):
		s.emit("Failure", uint32(BadIPConfig))
	case ctx.Err() != nil:
		s.Log.Info("ended", "reason", why)
	default:
		reason := ConnectFailed
		var failed *FailedError
		if errors.As(err, &failed) {
			reason = failed.Failure
		}
		if err == nil {
			err = errors.New("the server has ended the tunnel")
		}
		s.Log.Error("the connection has failed", "reason", err)
		s.emit("Failure", uint32(reason))
	}
	s.enter(stateStopped)
}

// release has the service wait for another connection.
func (s *service) release(c *connecting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(c.ended)
	s.current = nil
	if s.left {
		s.leave() // whoever comes in its place starts another service
		return
	}
	s.wait(s.Lingering)
}
