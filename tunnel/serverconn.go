package tunnel

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/control"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// serverConn is one client's control connection and the calls on it.
type serverConn struct {
	v           *Server
	receiver    *receiver
	local, peer netip.Addr
	pac         *control.PAC
	link        *controlLink
	calls       map[uint16]*serverCall // by our call ID
	opened      []*serverCall          // made, and not yet running
	ended       chan *serverCall
	reserved    map[uint16]struct{} // IDs of calls that the guard has admitted and that have no session yet
	known       atomic.Bool         // a user has authenticated here
	full        bool                // it was logged that the server is
	closing     bool                // no call is taken any more
	proven      sync.Once           // the connection is given back to the guard once
}

// serverCall is one call and its session.
type serverCall struct {
	k       *serverConn
	session *Session
	down    *ppp.DownError
	proven  sync.Once // the call is given back to the guard once

	// Of an authenticated user, under the server's lock.
	user    string
	placed  bool       // it has a place among the sessions
	address netip.Addr // it has the lease of
}

func newServerConn(v *Server, tcp net.Conn, r *receiver, local, peer netip.Addr) *serverConn {
	k := &serverConn{
		v: v, receiver: r, local: local, peer: peer,
		calls: make(map[uint16]*serverCall), reserved: make(map[uint16]struct{}),
		ended: make(chan *serverCall, 16),
	}
	k.pac = control.NewPAC(control.PACConfig{CallID: k.callID, Why: k.why, Trace: v.cfg.traceControl(peer)})
	k.link = newControlLink(k.pac, tcp, v.cfg.Now)
	return k
}

// run works the control connection until it is over and every call on it has ended.
func (k *serverConn) run(ctx context.Context) {
	defer k.link.end()
	defer k.release()
	k.work(ctx)
	k.begin(ctx)
	for _, c := range k.calls {
		c.session.lowerDown("the control connection ended")
	}
	for len(k.calls) > 0 {
		k.over(<-k.ended)
	}
	for id := range k.reserved {
		k.receiver.giveUp(k.peer, id)
		k.v.guard.release(k.peer)
	}
}

// callID gives the ID of a new call, unless its peer has cost enough already. Its session takes a place only when it has
// a user, so that calls without one leave the places to those who can authenticate.
func (k *serverConn) callID() (uint16, bool) {
	if k.closing {
		return 0, false
	}
	if k.v.full() {
		k.v.counted.refused.Add(1)
		if !k.full {
			k.full = true // once: a peer may ask as often as it likes
			k.v.cfg.Log.Log(context.Background(), k.v.strangerLevel(slog.LevelWarn), "call refused: all sessions are in use", "peer", k.peer, "sessions", k.v.cfg.MaxSessions)
		}
		return 0, false
	}
	if ok, why := k.v.guard.admit(k.v.cfg.Now(), k.peer); !ok {
		k.v.counted.refused.Add(1)
		k.v.cfg.Log.Debug("call refused", "peer", k.peer, "reason", why)
		return 0, false
	}
	id, ok := k.receiver.callID(k.peer)
	if !ok {
		k.v.guard.release(k.peer)
		return 0, false
	}
	k.reserved[id] = struct{}{}
	return id, true
}

// work is the life of the control connection itself.
func (k *serverConn) work(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	limit := time.After(k.v.guard.limits.Handshake)
	stopping := ctx.Done()
	k.pac.Start(k.v.cfg.Now())
	for {
		now := k.v.cfg.Now()
		k.pac.Tick(now)
		// A session must know its call before the reply goes out, for the client's first frame follows that at once;
		// and it speaks first only after the reply, or the client would not know the call.
		over := k.events()
		k.link.write()
		if over {
			return
		}
		k.begin(ctx)
		if k.closing && len(k.calls) == 0 {
			k.link.farewell(shortGoodbye, k.v.abandoned, func(control.Event) {})
			return
		}
		timer.Reset(k.link.wait(now))
		select {
		case data, ok := <-k.link.received:
			k.link.input(data, ok)
		case <-timer.C:
		case c := <-k.ended:
			k.pac.ClearCall(k.v.cfg.Now(), c.session.callID, disconnectResult(c.down))
			k.over(c)
		case <-limit:
			if len(k.calls) == 0 && !k.known.Load() {
				return
			}
			limit = time.After(k.v.guard.limits.Handshake) // a call may yet prove who it is, or end
		case <-k.v.abandoned.now:
			return
		case <-stopping:
			// The sessions saw ctx end too and close their links.
			stopping, k.closing = nil, true
		}
	}
}

// events takes what the state machine reports, and says whether the connection is over.
func (k *serverConn) events() (over bool) {
	for _, e := range k.pac.Events() {
		switch e := e.(type) {
		case control.CallUp:
			k.open(e)
		case control.CallDown:
			if c := k.calls[e.CallID]; c != nil {
				c.session.lowerDown(e.Reason.Error())
			}
		case control.Closed:
			return true
		}
	}
	return false
}

// why gives the words of this end's reason to end a call.
func (k *serverConn) why(id uint16) string {
	if c := k.calls[id]; c != nil {
		return c.session.disconnectText()
	}
	return ""
}

// open makes the session of a new call.
func (k *serverConn) open(e control.CallUp) {
	delete(k.reserved, e.CallID)
	c := &serverCall{k: k}
	s, err := newSession(k.v.cfg.Options, k.receiver.conn, k.peer, e.CallID, e.PeerCallID, k.v.linkConfig(c.assign), c)
	if err != nil {
		k.receiver.giveUp(k.peer, e.CallID)
		k.v.guard.release(k.peer)
		k.v.cfg.Log.Error("starting a session", "peer", k.peer, "error", err)
		k.pac.ClearCall(k.v.cfg.Now(), e.CallID, control.DisconnectAdminShutdown)
		return
	}
	c.session = s
	s.log.Log(context.Background(), k.v.strangerLevel(slog.LevelInfo), "call accepted", "peer_call", e.PeerCallID, "host", e.HostName, "vendor", e.Vendor)
	k.calls[e.CallID] = c
	k.v.addSession(s)
	k.receiver.add(s)
	k.opened = append(k.opened, c)
}

// begin sets the sessions going that open has made.
func (k *serverConn) begin(ctx context.Context) {
	for _, c := range k.opened {
		go func() {
			c.down = c.session.run(ctx)
			k.ended <- c
		}()
	}
	k.opened = nil
}

// over forgets a call whose session has ended.
func (k *serverConn) over(c *serverCall) {
	s := c.session
	delete(k.calls, s.callID)
	k.receiver.remove(s)
	k.v.dropRoutes(s)
	c.release()
	c.giveBack()
	level := slog.LevelInfo
	if !s.getState().authed {
		level = k.v.strangerLevel(level)
	}
	k.v.retire(s, s.lastWords(level, c.down))
}

// release gives the connection back to the guard.
func (k *serverConn) release() {
	k.proven.Do(func() { k.v.guard.release(k.peer) })
}

// release gives the call back to the guard.
func (c *serverCall) release() {
	c.proven.Do(func() { c.k.v.guard.release(c.k.peer) })
}

func (c *serverCall) authSucceeded(s *Session, e ppp.AuthSucceeded) {
	c.k.known.Store(true)
	c.k.release()
	c.release()
	c.k.v.guard.succeeded(c.k.peer)
	s.log.Info("authenticated", "user", e.User, "method", e.Method.String())
}

func (c *serverCall) authFailed(s *Session, e ppp.AuthFailed) {
	c.k.v.counted.authFailures.Add(1)
	c.k.v.guard.failed(c.k.v.cfg.Now(), c.k.peer)
	s.log.Log(context.Background(), c.k.v.strangerLevel(slog.LevelWarn), "authentication failed", "user", e.User, "method", e.Method.String(), "reason", e.Message)
}

func (c *serverCall) networkUp(s *Session, e ppp.NetworkUp) (netdev.Device, error) {
	if err := c.k.v.setRoutes(s, e); err != nil {
		return nil, err
	}
	s.log.Info("tunnel is up", "user", s.getState().user, "remote", e.Remote, "mtu", s.MTU(e), "mppe", s.getState().strength)
	return c.k.v.cfg.Device, nil
}

func (c *serverCall) opened(*Session) {}

func (c *serverCall) networkDown(s *Session) { c.k.v.dropRoutes(s) }
