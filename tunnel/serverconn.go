package tunnel

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
)

// serverConn is one client's control connection and the calls on it.
type serverConn struct {
	v           *Server
	receiver    *serverReceiver
	local, peer netip.Addr
	pac         *control.PAC
	link        *controlLink
	calls       map[uint16]*serverCall // by our call ID
	opened      []*serverCall          // made, and not yet running
	ended       chan *serverCall
	reserved    map[uint16]*serverCall // calls that the guard has admitted and that have no session yet
	full        bool                   // it was logged that the server is
	closing     bool                   // no call is taken any more
	gone        bool                   // work has ended
	evicted     chan struct{}          // another needs the room
	evictOnce   sync.Once
	clear       chan *serverCall // the same for one call

	mu      sync.Mutex
	startup *startup  // nil while a user is logged in here
	users   int       // calls on which one is
	waiting time.Time // since when none is
}

func newServerConn(v *Server, tcp net.Conn, local, peer netip.Addr) *serverConn {
	k := &serverConn{
		v: v, local: local, peer: peer, waiting: v.cfg.Now(),
		calls: make(map[uint16]*serverCall), reserved: make(map[uint16]*serverCall),
		ended: make(chan *serverCall, 16), evicted: make(chan struct{}), clear: make(chan *serverCall, 16),
	}
	pc := control.PACConfig{StopTimeout: stopTimeout, CallID: k.callID, Why: k.why, Trace: v.cfg.traceControl(peer)}
	if v.guard.closedTo(k.waiting, peer) {
		v.counted.banned.Add(1)
		pc.Refuse = control.StartNotAuthorized
	}
	k.pac = control.NewPAC(pc)
	k.link = newControlLink(k.pac, tcp, v.cfg.Now)
	k.startup = v.guard.admit(k.waiting, peer, "", k.evict)
	return k
}

// evict ends the connection for another that needs its room. A peer that does not read holds
// nothing up.
func (k *serverConn) evict() {
	k.evictOnce.Do(func() {
		k.v.counted.evicted.Add(1)
		k.link.hurry()
		close(k.evicted)
	})
}

// run works the control connection until it is over and every call on it has ended.
func (k *serverConn) run(ctx context.Context) {
	defer k.release()
	k.work(ctx)
	k.gone = true
	k.link.end()
	k.begin(ctx)
	for _, c := range k.calls {
		c.session.LowerDown("the control connection ended")
	}
	for len(k.calls) > 0 {
		k.over(<-k.ended)
	}
	for id, c := range k.reserved {
		k.receiver.GiveUp(k.peer, id)
		k.v.guard.release(c.startup)
	}
	if k.receiver != nil {
		k.v.letGo(k.local, k.receiver)
	}
}

// release gives the connection back to the guard.
func (k *serverConn) release() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.v.guard.release(k.startup)
}

// callID gives the ID of a new call. Its session takes a place only when it has a user, so that
// calls without one leave the places to those who can authenticate.
func (k *serverConn) callID() (uint16, bool) {
	if k.closing {
		return 0, false
	}
	if k.v.full() {
		k.v.counted.refused.Add(1)
		if !k.full {
			k.full = true // once: a peer may ask as often as it likes
			k.v.strangers.Warn("call refused: "+k.v.noRoom, "peer", k.peer, "sessions", k.v.cfg.MaxSessions)
		}
		return 0, false
	}
	now := k.v.cfg.Now()
	if k.v.guard.closedTo(now, k.peer) {
		k.v.counted.banned.Add(1)
		return 0, false
	}
	c := &serverCall{k: k}
	k.mu.Lock()
	conn := k.startup
	k.mu.Unlock()
	if c.startup = k.v.guard.admitCall(now, k.peer, conn, c.evict); c.startup == nil {
		return 0, false
	}
	id, ok := k.reserve()
	if !ok {
		k.v.guard.release(c.startup)
		return 0, false
	}
	k.reserved[id] = c
	return id, true
}

// reserve gives an ID for a call. The sockets for its packets are opened now, if there are none on
// this address yet: who only knocks does not cost so much.
func (k *serverConn) reserve() (id uint16, ok bool) {
	if k.receiver == nil {
		r, err := k.v.receiverOn(k.local)
		if err != nil {
			k.v.strangers.Error("GRE socket", "local", k.local, "error", err)
			return 0, false
		}
		k.receiver = r
	}
	return k.receiver.CallID(k.peer)
}

// work is the life of the control connection itself.
func (k *serverConn) work(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	limit := time.NewTimer(k.v.guard.limits.Handshake)
	defer limit.Stop()
	stopping := ctx.Done()
	k.pac.Start(k.v.cfg.Now())
	for {
		now := k.v.cfg.Now()
		k.pac.Tick(now)
		// A session must know its call before the reply goes out, for the client's first frame
		// follows that at once; and it speaks first only after the reply, or the client would not
		// know the call.
		over := k.events()
		k.link.write()
		if over {
			return
		}
		k.begin(ctx)
		if k.closing && len(k.calls) == 0 {
			k.link.shutdown(shortShutdown, k.v.abandoned, func(control.Event) {})
			return
		}
		timer.Reset(k.link.wait(now))
		select {
		case data, ok := <-k.link.received:
			k.link.input(data, ok)
		case <-timer.C:
		case c := <-k.ended:
			k.pac.ClearCall(k.v.cfg.Now(), c.session.CallID(), disconnectResult(c.down))
			k.over(c)
		case c := <-k.clear:
			k.clearCall(c)
		case <-limit.C:
			left := k.timeLeft()
			if left <= 0 {
				k.v.counted.late.Add(1)
				k.dismiss("nobody has logged in in time", "after", k.v.guard.limits.Handshake)
				return
			}
			limit.Reset(left)
		case <-k.evicted:
			k.dismiss("another needs the room, and nobody is logged in here")
			return
		case <-k.v.abandoned.now:
			return
		case <-stopping:
			// The sessions saw ctx end too and close their links.
			stopping, k.closing = nil, true
		}
	}
}

// timeLeft is how long the connection may go on if nobody logs in. What counts is a user, not a
// call: who has none could make one call after the other.
func (k *serverConn) timeLeft() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.users > 0 {
		return k.v.guard.limits.Handshake
	}
	return k.waiting.Add(k.v.guard.limits.Handshake).Sub(k.v.cfg.Now())
}

// dismiss tells the peer and the log that the connection ends, and waits for nobody.
func (k *serverConn) dismiss(why string, more ...any) {
	k.v.strangers.Info("control connection closed", append([]any{"peer", k.peer, "reason", why}, more...)...)
	k.link.hurry()
	k.pac.Dismiss(k.v.cfg.Now())
	k.link.write()
}

// clearCall ends a call that the guard has evicted.
func (k *serverConn) clearCall(c *serverCall) {
	if c.session == nil || c.name.Load() != nil {
		return // somebody has logged in just then
	}
	k.pac.ClearCall(k.v.cfg.Now(), c.session.CallID(), control.DisconnectAdminShutdown)
	c.session.LowerDown("another needs the room, and nobody is logged in here")
}

// events takes what the state machine reports, and says whether the connection is over.
func (k *serverConn) events() (over bool) {
	for _, e := range k.pac.Events() {
		switch e := e.(type) {
		case control.CallUp:
			k.open(e)
		case control.CallDown:
			if c := k.calls[e.CallID]; c != nil {
				c.session.LowerDown(e.Reason.Error())
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
		return c.session.ClosingReason()
	}
	return ""
}

// open makes the session of a new call.
func (k *serverConn) open(e control.CallUp) {
	c := k.reserved[e.CallID]
	delete(k.reserved, e.CallID)
	cfg := k.v.cfg.sessionConfig(true)
	cfg.Log = k.v.lines.logger(c.known)
	s, err := session.New(cfg, k.receiver.Conn(), k.peer, e.CallID, e.PeerCallID, k.v.linkConfig(c), c)
	if err != nil {
		k.receiver.GiveUp(k.peer, e.CallID)
		k.v.guard.release(c.startup)
		cfg.Log.Error("starting a session", "peer", k.peer, "error", err)
		k.pac.ClearCall(k.v.cfg.Now(), e.CallID, control.DisconnectAdminShutdown)
		return
	}
	c.session = s
	s.Log().Info("call accepted", "peer_call", e.PeerCallID, "host", e.HostName, "vendor", e.Vendor)
	k.calls[e.CallID] = c
	k.v.addSession(s)
	k.receiver.Add(s)
	k.opened = append(k.opened, c)
}

// begin sets the sessions going that open has made.
func (k *serverConn) begin(ctx context.Context) {
	for _, c := range k.opened {
		go func() {
			c.down = c.session.Run(ctx)
			k.ended <- c
		}()
	}
	k.opened = nil
}

// over forgets a call whose session has ended.
func (k *serverConn) over(c *serverCall) {
	s := c.session
	delete(k.calls, s.CallID())
	k.receiver.Remove(s)
	k.v.dropRoutes(s)
	k.v.guard.release(c.startup)
	k.logout(c)
	c.giveBack()
	k.v.retire(s, s.LastWords(slog.LevelInfo, c.down))
}

// login notes that a user has logged in on a call, which is no startup then, nor is the connection.
// Again, after LCP was renegotiated, it does nothing.
func (k *serverConn) login(c *serverCall, user string) {
	if c.name.Load() != nil {
		return
	}
	c.name.Store(&user)
	k.mu.Lock()
	defer k.mu.Unlock()
	conn := k.startup
	k.startup = nil
	k.users++
	k.v.guard.proven(k.v.cfg.Now(), k.peer, user, conn, c.startup)
}

// logout makes the connection a startup again when nobody is logged in any more.
func (k *serverConn) logout(c *serverCall) {
	if c.name.Load() == nil {
		return
	}
	now := k.v.cfg.Now()
	k.v.guard.left(now, k.peer, c.known())
	k.mu.Lock()
	k.users--
	last := k.users == 0
	k.mu.Unlock()
	if !last || k.gone {
		return
	}
	// No call can log in meanwhile that has not begun to: its session would be among calls.
	u := k.v.guard.admit(now, k.peer, c.known(), k.evict)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting, k.startup = now, u
}
