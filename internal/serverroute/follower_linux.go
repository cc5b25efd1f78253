package serverroute

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/internal/claim"
	"github.com/arc4tun/arc4tun/internal/rtnetlink"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// Follower follows the path to one server at a time. Its methods may be called from any goroutine.
type Follower struct {
	log     *slog.Logger
	mark    uint32        // of all sockets that carry the tunnel; 0: none
	bind    string        // the one interface that they leave by; empty: the best
	all     bool          // the tunnel takes in everything, or will
	blocked bool          // what is not marked does not leave
	keepOut bool          // the host route is another program's business
	every   time.Duration // between two looks without news
	where   rtnetlink.Namespace
	kernel  *rtnetlink.Conn // of the namespace of Open, whichever thread uses it
	claim   *claim.Claim
	changed chan struct{}
	kick    chan struct{} // routes, links or addresses have changed
	done    chan struct{}
	deaf    bool // there was no subscription the last time; of the goroutine that subscribes
	ended   sync.WaitGroup
	closing sync.Once

	mu        sync.Mutex
	server    netip.Addr       // invalid: none yet
	device    int              // the tunnel's; 0: none
	covered   []netip.Prefix   // what is led into it, or will be
	route     *rtnetlink.Route // the host route that is ours, or nil
	rules     *rules           // by which the tunnel takes everything, or nil
	path      path
	addresses map[netip.Addr]bool
	carried   map[*boundSocket]struct{}
	worked    map[string][]netip.Addr // by name: the addresses that were last connected to, latest first
	outside   func() []netip.Addr     // the name servers without the tunnel; nil: those of the system
	source    netip.Addr              // of the last call that came from the address the path gave it
	strayed   time.Time               // since when the path has another source than that; zero: it has not
	told      bool                    // it was said that the call cannot go on for that
	lost      time.Time               // since when there is no path; zero: there is one
}

// path is how the server is reached.
type path struct {
	server  netip.Addr
	link    int        // the interface; 0: the server is this machine's, or there is no path
	name    string     // of the interface
	gateway netip.Addr // invalid: on the link
	source  netip.Addr // what the kernel sends from
	missing error      // why there is none
}

// same reports whether packets take the same path.
func (w path) same(o path) bool {
	return w.server == o.server && w.link == o.link && w.gateway == o.gateway && w.source == o.source && (w.missing == nil) == (o.missing == nil)
}

// boundSocket is a socket that leaves by the path.
type boundSocket struct {
	server  netip.Addr
	leaveBy func(ifindex int) error
	link    int
}

const (
	// quiet is how long a burst of news is let go on before it is looked at, and busiest the share
	// of the time that looking may take on a machine whose routes change all the time: nobody is
	// deaf for longer than regular, though, where a look takes seconds.
	quiet   = 10 * time.Millisecond
	busiest = 20
	// regular is between two looks without news: what changes by itself, such as a redirect, makes
	// none.
	regular = 10 * time.Second
	// straying is how long the path may have another source before the call from the old one ends:
	// a better interface may be gone again at once.
	straying = time.Second
	// losing is how long there may be no path before that is said of a call as its reason: links
	// flap, and addresses come back with them.
	losing = 5 * time.Second
)

// Open starts following in the network namespace of the calling thread, and takes away what a run
// that was killed has left there.
func Open(o Options) (*Follower, error) { return open(o, regular) }

func open(o Options, every time.Duration) (*Follower, error) {
	log := cmp.Or(o.Log, slog.Default())
	f := &Follower{
		log: log, mark: o.Mark, bind: o.Interface, all: o.Everything, blocked: o.Blocked, keepOut: o.NoRoute, every: every, changed: make(chan struct{}, 1), kick: make(chan struct{}, 1), done: make(chan struct{}),
		carried: make(map[*boundSocket]struct{}), worked: make(map[string][]netip.Addr),
	}
	var err error
	if f.kernel, err = rtnetlink.Open(); err != nil {
		return nil, err
	}
	if f.where, err = rtnetlink.ThisNamespace(); err != nil {
		f.kernel.Close()
		return nil, err
	}
	if f.claim, err = claim.Open(); err != nil {
		f.kernel.Close()
		f.where.Close()
		return nil, err
	}
	if o.Marked && f.mark == 0 {
		f.mark = f.claim.Number
	}
	if !o.ReadOnly {
		if err := f.sweep(); err != nil {
			log.Warn("looking for routes that a killed run has left", "error", err)
		}
	}
	// Before the first look, so that no change falls between the two.
	news := f.subscribe()
	f.ended.Go(func() { f.hear(news) })
	f.mu.Lock()
	f.look()
	f.mu.Unlock()
	f.ended.Go(f.follow)
	return f, nil
}

// Close stops following and removes the host route.
func (f *Follower) Close() (err error) {
	f.closing.Do(func() {
		close(f.done)
		f.ended.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		err = errors.Join(f.removeRules(), f.removeRoute())
		f.claim.Close()
		f.kernel.Close()
		f.where.Close()
	})
	return err
}

// follow looks whenever something has changed.
func (f *Follower) follow() {
	timer := time.NewTimer(f.every)
	defer timer.Stop()
	for {
		select {
		case <-f.done:
			return
		case <-f.kick:
		case <-timer.C:
		}
		select {
		case <-f.done:
			return
		case <-time.After(quiet):
		}
		began := time.Now()
		f.mu.Lock()
		f.look()
		next := f.alarm()
		f.mu.Unlock()
		select {
		case <-f.done:
			return
		case <-time.After(min(busiest*time.Since(began), regular)):
		}
		timer.Reset(next)
	}
}

// alarm is how long to wait for news: a call that may have strayed is looked at again when its
// time is up.
func (f *Follower) alarm() time.Duration {
	if f.strayed.IsZero() || f.told {
		return f.every
	}
	return max(0, straying-time.Since(f.strayed)) + time.Millisecond
}

// notify tells who listens, and never waits.
func (f *Follower) notify() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// Changed is received from when the path to the server is another, or is back, or can carry a call
// no more. There is room for one.
func (f *Follower) Changed() <-chan struct{} { return f.changed }

// look brings the host route and all sockets into line with the path there is, and says what has
// changed. The caller holds mu.
func (f *Follower) look() {
	before := f.path
	f.addresses = f.ownAddresses()
	f.keepRules()
	f.path = f.find()
	f.carry()
	now := time.Now()
	w := f.path
	switch {
	case w.missing == nil:
		f.lost = time.Time{}
	case f.lost.IsZero():
		f.lost = now
	}
	if w.missing != nil || w.server != f.server || !f.source.IsValid() || w.source == f.source {
		f.strayed, f.told = time.Time{}, false
	} else if f.strayed.IsZero() {
		f.strayed = now
	}
	astray := !f.told && f.astray(now)
	f.told = f.told || astray
	changed := before.server == w.server && !before.same(w) // another server's path is news to nobody
	if changed && w.server.IsValid() {
		f.say(before, w)
	}
	// While there is no path there is nothing that anybody could do.
	if w.missing == nil && (changed || astray) {
		f.notify()
	}
}

// astray reports whether the path has had another source than the call for so long that the call
// cannot go on.
func (f *Follower) astray(now time.Time) bool {
	return !f.strayed.IsZero() && now.Sub(f.strayed) >= straying
}

// say puts a change into the log.
func (f *Follower) say(before, w path) {
	gateway := "none"
	if w.gateway.IsValid() {
		gateway = w.gateway.String()
	}
	switch {
	case w.missing != nil:
		f.log.Warn("there is no way to the server any more: the tunnel waits for one", "server", w.server, "reason", w.missing, "was_by", before.name)
	case before.missing != nil:
		f.log.Info("there is a way to the server again", "server", w.server, "device", w.name, "gateway", gateway, "source", w.source)
	default:
		f.log.Info("the way to the server is another", "server", w.server, "device", w.name, "gateway", gateway, "source", w.source)
	}
}

// aim follows the path to another server, or to the same; an error says why there is none.
func (f *Follower) aim(server netip.Addr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.server != server {
		f.server, f.source, f.strayed, f.lost = server, netip.Addr{}, time.Time{}, time.Time{}
	}
	f.look()
	return f.path.missing
}

// Lead says that the routes into an interface, the tunnel's, take in these networks, or will: if
// the server is in one of them, it gets its host route before Lead returns. No networks: the
// tunnel has gone. An error says that the server, which is followed from now on, cannot be reached
// around the tunnel.
func (f *Follower) Lead(server netip.Addr, device int, into []netip.Prefix) error {
	f.mu.Lock()
	f.device, f.covered = device, into
	f.mu.Unlock()
	return f.aim(server)
}

// Release says that the tunnel has gone, and removes the host route.
func (f *Follower) Release() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.device, f.covered = 0, nil
	return errors.Join(f.removeRules(), f.removeRoute())
}

// Mark is the firewall mark that all sockets which carry the tunnel have (SO_MARK in socket(7));
// 0: none.
func (f *Follower) Mark() uint32 { return f.mark }

// Carry calls leaveBy with the index of the interface that leads to a server, now and whenever it
// is another, until release; with 0 where no interface does, as to an address of this machine.
func (f *Follower) Carry(server netip.Addr, leaveBy func(ifindex int) error) (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &boundSocket{server: server, leaveBy: leaveBy}
	f.carried[p] = struct{}{}
	f.carry()
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.carried, p)
	}
}

// carry has every socket leave by the path. One that has none stays with the interface it had:
// nothing of it may enter the tunnel meanwhile. The caller holds mu.
func (f *Follower) carry() {
	if f.path.missing != nil {
		return
	}
	for p := range f.carried {
		if p.server != f.path.server || p.link == f.path.link {
			continue
		}
		if err := p.leaveBy(f.path.link); err != nil && !errors.Is(err, net.ErrClosed) {
			f.log.Debug("a socket does not leave by the interface of the way", "device", f.path.name, "error", err)
			continue
		}
		p.link = f.path.link
	}
}

// Check says why a call between these addresses cannot go on, in words for people, or nil. While
// there is no path it can, for some seconds: what was lost may come back as it was.
func (f *Follower) Check(local, server netip.Addr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.path
	switch {
	case w.server != server:
		return nil
	case w.missing != nil && time.Since(f.lost) >= losing:
		return w.missing
	case w.missing != nil || w.source == local || local.IsLoopback():
		return nil
	case !f.addresses[local]:
		f.notify() // whoever ends the call for this need not wait to dial anew
		return fmt.Errorf("%v is no address of this machine any more: the server is reached from %v now", local, w.source)
	case f.source == local && f.astray(time.Now()):
		f.notify()
		return fmt.Errorf("the server is reached by %s from %v now, and the call comes from %v", w.name, w.source, local)
	}
	return nil
}

// Status is the path as arc4 status shows it.
func (f *Follower) Status() *status.Way {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.path
	s := &status.Way{Device: w.name}
	if w.server.IsValid() {
		s.Server = w.server.String()
	}
	if w.gateway.IsValid() {
		s.Gateway = w.gateway.String()
	}
	if w.source.IsValid() {
		s.Source = w.source.String()
	}
	if w.missing != nil {
		s.Device, s.Gateway, s.Source, s.Missing = "", "", "", w.missing.Error()
	}
	return s
}
