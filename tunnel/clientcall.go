package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/internal/mschap"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// clientCall is one control connection of a client and the session on it.
type clientCall struct {
	c           *Client
	conn        gre.Conn
	local, peer netip.Addr
	pns         *control.PNS
	link        *controlLink
	receiver    *session.Receiver
	limit       *attemptLimit
	idle        idleness

	session       *session.Session
	network       Network   // that the local end was made for; the session's goroutine's own
	began         time.Time // when the call was up
	ended         chan *ppp.DownError
	opened        chan struct{} // has room for one: packets pass
	linkEnded     bool          // ended has been read
	loggedIn      atomic.Bool   // the server has taken the account
	wrongPassword atomic.Bool   // the server said so of the user name or the password
	reason        error         // why the call ends, the first that was found
	localErr      error         // of the local end's set-up
}

func newClientCall(c *Client, tcp net.Conn, conn gre.Conn, local, peer netip.Addr, limit *attemptLimit) *clientCall {
	r := session.NewReceiver(conn, c.cfg.Now, &c.strays, c.cfg.sizes())
	r.Await()
	pns := control.NewPNS(control.PNSConfig{StopTimeout: stopTimeout, Trace: c.cfg.traceControl(peer), CallID: func() uint16 {
		id, _ := r.CallID(peer) // the only call of this receiver
		if err := gre.AcceptCalls(conn, id); err != nil {
			c.cfg.Log.Debug("packets of other calls are heard too", "error", err)
		}
		return id
	}})
	return &clientCall{
		c: c, conn: conn, local: local, peer: peer, pns: pns, receiver: r, limit: limit,
		idle:  idleness{limit: c.cfg.IdleTimeout},
		link:  newControlLink(pns, tcp, c.cfg.Now),
		ended: make(chan *ppp.DownError, 1), opened: make(chan struct{}, 1),
	}
}

// greSilence is how long after the call is up a warning says that no GRE came.
const greSilence = 6 * time.Second

// run works the control connection until the call is over.
func (k *clientCall) run(ctx context.Context) error {
	defer k.link.end()
	defer k.receiver.EndWait()
	go func() {
		defer k.c.falls.catch()
		_ = k.receiver.Run()
	}()
	k.pns.Start(k.c.cfg.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	silence := make(<-chan time.Time)
	stopping := ctx.Done()
	for {
		now := k.c.cfg.Now()
		k.pns.Tick(now)
		k.link.write()
		opened, over, err := k.events(ctx)
		switch {
		case err != nil:
			return err
		case over:
			return k.finish()
		case opened:
			silence = time.After(greSilence)
			continue // there is a Set-Link-Info to be written
		}
		timer.Reset(min(k.link.wait(now), k.idleFor(now)))
		select {
		case data, ok := <-k.link.received:
			k.link.input(data, ok)
		case <-timer.C:
		case <-k.c.cfg.NetworkChanged:
			over = k.lost(k.checkWay()) // nobody would hear a farewell
		case slept := <-k.c.cfg.Woken:
			over = k.lost(k.woken(slept))
		case <-silence:
			k.warnOfSilence()
		case <-k.opened: // from here on it can be idle
		case down := <-k.ended:
			k.linkOver(down)
			k.shutdown(ctx, down)
			over = true
		case fall := <-k.c.falls:
			panic(fall)
		case <-k.c.abandoned.now:
			over = k.lost(failure(ClassAdmin, nil, "stopped"))
		case <-stopping:
			stopping = nil
			over = k.stop(ctx)
		}
		if over {
			return k.finish()
		}
	}
}

// lost takes why the call cannot go on, and reports whether there is a reason.
func (k *clientCall) lost(err *Error) bool {
	if err == nil {
		return false
	}
	k.end(err)
	return true
}

// stop begins the end of a call whose context is done, and reports whether that was all: a session
// saw the context end too, and closes its link; ended brings the rest.
func (k *clientCall) stop(ctx context.Context) (over bool) {
	k.end(k.stopReason())
	k.c.cfg.Log.Info("ending the tunnel: the server is told", "server", k.peer, "at_most", (session.CloseTime + shortShutdown).String())
	if k.session == nil {
		k.shutdown(ctx, nil)
	}
	return k.session == nil
}

// stopReason is why the context of the call has ended.
func (k *clientCall) stopReason() *Error {
	switch {
	case !k.limit.over():
		return failure(ClassAdmin, nil, "stopped")
	case k.session == nil:
		return k.limit.failure("server %s has not answered the call", k.peer)
	}
	return k.limit.failure("%s accepted the call, but the login and the agreement on encryption and addresses were not done", k.peer)
}

// idleFor ends a tunnel that has been idle for too long, and gives when to look again.
func (k *clientCall) idleFor(now time.Time) time.Duration {
	if k.session == nil {
		return time.Hour
	}
	if _, up := k.session.Network(); !up {
		k.idle.rest()
		return time.Hour // Opened wakes the loop
	}
	next := k.idle.look(now, k.session.Packets())
	if next == 0 {
		k.idle.limit = 0
		k.end(failure(ClassIdle, nil, "no packet passed for %v", k.c.cfg.IdleTimeout))
		k.session.Close("the tunnel is idle")
		return time.Hour
	}
	return next
}

// warnOfSilence tells the user what is probably wrong long before the link gives up.
func (k *clientCall) warnOfSilence() {
	switch {
	case !k.session.Heard():
		k.c.cfg.Log.Warn("the control connection is up, but no GRE packet has come: GRE (IP protocol 47) seems to be blocked on the way", "peer", k.peer)
	case k.unacknowledged():
		k.c.cfg.Log.Warn("the server's GRE packets come, but it acknowledges none of ours: GRE (IP protocol 47) seems to be blocked on the way there", "peer", k.peer)
	}
}

// events takes what the control connection reports: that the call is up, or that all is over.
func (k *clientCall) events(ctx context.Context) (opened, over bool, err error) {
	for _, e := range k.pns.Events() {
		switch e := e.(type) {
		case control.CallUp:
			opened = true
			if err := k.open(ctx, e); err != nil {
				return opened, over, err
			}
		case control.CallDown:
			k.callDown(e)
		case control.Closed:
			k.end(k.controlError(e.Reason))
			return opened, true, nil
		}
	}
	return opened, over, nil
}

// shutdown ends the control connection in order. Who stops the client waits for that, and a server
// that was silent till now will hardly answer.
func (k *clientCall) shutdown(ctx context.Context, down *ppp.DownError) {
	limit := shutdownTime
	if ctx.Err() != nil || down != nil && down.Class == ppp.ClassTimeout {
		limit = shortShutdown
	}
	k.link.shutdown(limit, k.c.abandoned, func(e control.Event) {
		if e, ok := e.(control.CallDown); ok {
			k.callDown(e)
		}
	})
}

// callDown takes why the server ended the call. That the user has logged in again counts whatever
// the link says, for it was said over TCP: a Terminate-Request can be forged.
func (k *clientCall) callDown(e control.CallDown) {
	err := k.controlError(e.Reason)
	if err.Class == ClassReplaced && (k.reason == nil || ClassOf(k.reason) != ClassAdmin) {
		k.reason = err
	}
	k.end(err)
	k.lower(err.Text)
}

// checkWay gives why the call cannot live on by the way it went, or nil.
func (k *clientCall) checkWay() *Error {
	if k.c.cfg.CheckWay == nil {
		return nil
	}
	if err := k.c.cfg.CheckWay(k.local, k.peer); err != nil {
		return failure(ClassNetwork, nil, "the way to the server is gone: %s", err)
	}
	return nil
}

// wakingTime is how long a server may take for a sign of life after this machine was suspended: a
// wireless network is back within that, mostly.
const wakingTime = 10 * time.Second

// woken has the server prove that the call still lives, or gives why it cannot. Servers and NATs
// forget a call that is silent, and nothing came while this machine was suspended.
func (k *clientCall) woken(slept time.Duration) *Error {
	if err := k.checkWay(); err != nil {
		return err
	}
	k.c.cfg.Log.Info("this machine was suspended: the server is asked whether the call still lives", "suspended", slept, "at_most", wakingTime)
	k.pns.Probe(k.c.cfg.Now())
	if k.session != nil {
		k.session.Prove(wakingTime, "since this machine woke up")
	}
	return nil
}

// end keeps the first reason.
func (k *clientCall) end(err error) {
	if k.reason == nil {
		k.reason = err
	}
}

// unheard reports whether no GRE came for so long that it is blocked: a server that hears none
// either may end the call before our link gives up.
func (k *clientCall) unheard() bool {
	return !k.session.Heard() && k.c.cfg.Now().Sub(k.began) >= greSilence
}

// unacknowledged reports whether the server's GRE comes, but ours has not got there.
func (k *clientCall) unacknowledged() bool {
	return k.session.Heard() && !k.session.Acknowledged() && k.session.User() == ""
}

// hangsUpOnSilence reports whether the server ends the call after it has heard nothing of us for
// so long that GRE is blocked on the way there.
func (k *clientCall) hangsUpOnSilence() bool {
	return k.unacknowledged() && k.c.cfg.Now().Sub(k.began) >= greSilence
}

// linkOver takes why the link ended. A server that refuses us, or whom we refuse, hangs up while
// our link still takes its leave: the refusal is the reason then, not the hanging up. So is what
// the server said when it closed the link.
func (k *clientCall) linkOver(down *ppp.DownError) {
	k.linkEnded = true
	k.c.askedEAP, k.c.loggedIn = down.AskedEAP, k.loggedIn.Load()
	if err := k.c.deviceError(); err != nil && k.localErr == nil {
		k.localErr = fmt.Errorf("the device failed: %w", err)
	}
	err := k.linkError(down)
	switch c := classOfLink(down.Class); {
	case ClassOf(k.reason) == ClassReplaced:
	case k.localErr != nil, k.unheard(), k.hangsUpOnSilence(), c == ClassAuth, c == ClassPolicy, c == ClassPeer && !down.CallCleared:
		k.reason = err
	}
	k.end(err)
}

// open starts the session of a call that the server has accepted.
func (k *clientCall) open(ctx context.Context, e control.CallUp) error {
	pc := k.c.cfg.pppConfig()
	pc.User, pc.Password = k.c.cfg.User, k.c.cfg.Password
	if k.c.eapFirst {
		pc.Auth = eapInFront(pc.Auth)
	}
	pc.RequestDNS = k.c.cfg.RequestDNS
	pc.Forbidden = []netip.Addr{k.peer}
	s, err := session.New(k.c.cfg.sessionConfig(false), k.conn, k.peer, e.CallID, e.PeerCallID, pc, k)
	if err != nil {
		return failure(ClassOther, err, "starting the session")
	}
	s.Log().Info("the server has accepted the call", "peer_call", e.PeerCallID, "host", e.HostName, "vendor", e.Vendor)
	k.session, k.began = s, k.c.cfg.Now()
	k.c.begin(s)
	k.c.waitsFor(status.ForLink, k.limit.by)
	k.receiver.Add(s)
	k.pns.SetLinkInfo(0xFFFFFFFF, 0xFFFFFFFF)
	go func() {
		defer k.c.falls.catch()
		k.ended <- s.Run(ctx)
	}()
	return nil
}

// lower tells the session that its call is gone.
func (k *clientCall) lower(why string) {
	if k.session != nil {
		k.session.LowerDown(why)
	}
}

// finish ends the session at once and gives the reason.
func (k *clientCall) finish() error {
	k.lower(k.reason.Error())
	if k.session != nil {
		<-k.session.Done()
		if !k.linkEnded {
			k.linkOver(<-k.ended)
		}
		k.c.current.CompareAndSwap(k.session, nil)
		k.receiver.Remove(k.session)
		k.c.over(k.session)
	}
	return k.reason
}

// linkError says why the PPP link ended, in the words of this package.
func (k *clientCall) linkError(down *ppp.DownError) error {
	if k.localErr == nil && down.Class == ppp.ClassTimeout {
		if err := k.checkWay(); err != nil {
			return err
		}
	}
	switch {
	case k.localErr != nil:
		var e *Error
		if errors.As(k.localErr, &e) {
			return e
		}
		if errors.Is(k.localErr, os.ErrPermission) {
			return failure(ClassPermission, k.localErr, "local end")
		}
		return failure(ClassOther, k.localErr, "local end")
	case down.NothingReceived && down.Class == ppp.ClassTimeout, down.Class == ppp.ClassPeer && k.unheard():
		return failure(ClassNetwork, nil, "the control connection to %s is up, but no GRE packet came back: GRE (IP protocol 47) is blocked on the way; "+
			"on a router or firewall between, allow it and load the helper: modprobe nf_conntrack_pptp, and in nftables: ct helper set \"pptp\"", k.peer)
	case down.Class == ppp.ClassTimeout && k.unacknowledged(), down.Class == ppp.ClassPeer && k.hangsUpOnSilence():
		return failure(ClassNetwork, nil, "the GRE packets of %s come, but it has acknowledged none of ours: GRE (IP protocol 47) is blocked on the way there; "+
			"allow it on this machine, on routers and firewalls between, and at the server", k.peer)
	}
	err := failure(classOfLink(down.Class), nil, "%s", down.Message)
	err.refused = err.Class == ClassAuth && !down.Unproven && !k.loggedIn.Load()
	err.proven = err.refused && !down.Forgeable
	err.password = k.wrongPassword.Load()
	return err
}

func classOfLink(c ppp.Class) Class {
	switch c {
	case ppp.ClassAuth:
		return ClassAuth
	case ppp.ClassPolicy:
		return ClassPolicy
	case ppp.ClassAdmin:
		return ClassAdmin
	case ppp.ClassPeer:
		return ClassPeer
	}
	return ClassNetwork
}

func (k *clientCall) AuthSucceeded(s *session.Session, e ppp.AuthSucceeded) {
	k.loggedIn.Store(true)
	s.Log().Info("authenticated", "user", k.c.cfg.User, "method", e.Method.String())
}

func (k *clientCall) AuthFailed(s *session.Session, e ppp.AuthFailed) {
	// MS-CHAPv2 tells other reasons by their numbers, and the server that proves nothing by none.
	k.wrongPassword.Store(!e.Method.GivesKeys() || e.Code == mschap.AuthenticationFailure)
	s.Log().Error("authentication failed", "method", e.Method.String(), "code", e.Code, "reason", e.Message)
}

// NetworkUp has the local end made and starts reading it.
func (k *clientCall) NetworkUp(s *session.Session, e ppp.NetworkUp) (netdev.Device, error) {
	if e.Unused.IsValid() {
		s.Log().Info("the server's tunnel address is not used: packets to it do not go through the tunnel", "address", e.Unused)
	}
	n := Network{
		Server: k.peer, OuterLocal: k.local, Local: e.Local, Remote: e.Remote, DNS: e.DNS,
		LocalIPv6: e.LocalIPv6, RemoteIPv6: e.RemoteIPv6, MTU: s.MTU(e), Encrypted: s.Strength(),
	}
	dev, err := k.c.cfg.Bring(context.Background(), n)
	if err != nil {
		k.localErr = err
		return nil, err
	}
	k.c.current.Store(s)
	k.c.read(dev)
	k.network = n
	return dev, nil
}

// Opened tells the owner only now: who sends at once must find the tunnel open.
func (k *clientCall) Opened(*session.Session) {
	k.limit.lift()
	k.c.isUp()
	if k.c.demand != nil {
		k.session.SendEarly(k.c.demand.opened(k.network.Local, k.network.LocalIPv6.WithZone("")))
	}
	select {
	case k.opened <- struct{}{}:
	default:
	}
	if k.c.cfg.Changed != nil {
		k.c.cfg.Changed(true, k.network)
	}
}

func (k *clientCall) NetworkDown(s *session.Session) {
	k.c.current.CompareAndSwap(s, nil)
	k.c.isDown()
	if k.c.demand != nil {
		k.c.demand.keep()
	}
	if k.c.cfg.Changed != nil {
		k.c.cfg.Changed(false, Network{Server: k.peer, OuterLocal: k.local})
	}
}
