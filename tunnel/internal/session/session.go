package session

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// Session is one call: a PPP link inside GRE between us and one peer.
//
// Three goroutines touch it. The socket's reader owns the way in (inbound.go), the device's reader
// the way out (outbound.go), each under its own lock, which the session's own
// goroutine takes too, briefly. The PPP link, all timers and everything slow belong to that
// goroutine, Run, to which control frames come through a bounded queue.
type Session struct {
	cfg        Config
	conn       gre.Conn
	peer       netip.Addr
	callID     uint16 // ours: in GRE packets to us
	peerCallID uint16 // the peer's: in GRE packets from us
	since      time.Time
	log        *slog.Logger
	owner      Owner

	link    *ppp.Link
	wake    chan struct{} // a deadline has come nearer, or there is something to do
	stop    chan string   // the reason of a Close
	prove   chan proof    // of Prove
	gone    chan struct{} // closed when the call below is gone
	goneMu  sync.Once
	goneWhy string        // why it is; set before gone is closed
	done    chan struct{} // closed when run has ended
	end     *ppp.DownError
	armed   atomic.Int64 // when run will wake by itself, nanoseconds after since

	in    inbound
	out   outbound
	acks  acknowledgments
	trace tracer

	// The session's goroutine's own.
	closeBy    time.Time // when a peer that does not agree to the end is left; zero: the link is not closing
	resets     bool      // a Reset-Request is outstanding
	keysWarned bool      // it was said that nothing decrypts
	early      earlyPackets

	stateMu sync.Mutex
	state   sessionState
}

// sessionState is what is known of a session, for its owner and for status.
type sessionState struct {
	phase     string
	since     time.Time // of the phase, or zero for the session's own beginning
	closing   string    // why this end closes the link, in words; empty if it does not
	user      string
	failed    string // the user whose authentication failed, as the peer gave the name
	method    ppp.AuthMethod
	authed    bool
	network   ppp.NetworkUp
	up        bool
	strength  int // 0: no encryption
	stateless bool
	link      ppp.Stats // what the link has counted
	life      time.Time // the peer's last sign of life, by its link
	unheard   int       // LCP Echo-Requests without an answer since
}

// Owner is told what matters outside the session, on the session's goroutine.
type Owner interface {
	AuthSucceeded(*Session, ppp.AuthSucceeded)
	AuthFailed(*Session, ppp.AuthFailed)
	// NetworkUp gives the local device, made and routed for this network; the session opens when it
	// returns.
	NetworkUp(*Session, ppp.NetworkUp) (netdev.Device, error)
	// Opened says that packets pass now.
	Opened(*Session)
	NetworkDown(*Session)
}

// New makes a session for a call that is up. The role's settings are in pc.
func New(cfg Config, conn gre.Conn, peer netip.Addr, callID, peerCallID uint16, pc ppp.Config, owner Owner) (*Session, error) {
	s := &Session{
		cfg: cfg, conn: conn, peer: peer, callID: callID, peerCallID: peerCallID,
		since: cfg.Now(), owner: owner,
		log:   cfg.Log.With("peer", peer.String(), "call", callID),
		trace: tracer{cfg.Trace, peer, callID},
		wake:  make(chan struct{}, 1),
		stop:  make(chan string, 1),
		prove: make(chan proof, 1),
		gone:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	s.state.phase = "negotiating"
	if err := s.makeWays(); err != nil {
		return nil, err
	}
	pc.LastData = s.lastData
	pc.Send = s.out.sendFrame
	pc.Event = s.event
	var err error
	if s.link, err = ppp.New(pc); err != nil {
		return nil, err
	}
	s.out.to = gre.NewSender(conn, peer)
	s.in.to = s.out.to
	return s, nil
}

// makeWays makes the way in and the way out, shut.
func (s *Session) makeWays() error {
	window := s.cfg.Reorder
	window.Release = putBuffer
	if most := s.cfg.Sizes.WindowHeld; most > 0 {
		window.MaxPackets = most
	}
	win, err := reorder.New(window)
	if err != nil {
		return err
	}
	clear := s.cfg.MPPE.Mode == ppp.Allow || s.cfg.MPPE.Mode == ppp.Off
	in, out := &s.in, &s.out
	in.began, in.acks, in.trace, in.arm = s.since, &s.acks, s.trace, s.arm
	in.now, in.turns = s.cfg.Now, &s.cfg.Shared.turns
	in.frames = make(chan []byte, frameQueue)
	in.deliverFn = in.deliver
	in.sizes, in.all = s.cfg.Sizes, s.cfg.Shared.held
	in.win, in.clear = win, clear
	in.data.reach, in.ctl.span = int32(window.Size), FrameNear
	out.callID, out.acks, out.trace, out.now, out.poke = s.peerCallID, &s.acks, s.trace, s.cfg.Now, s.poke
	out.replies = make(chan []byte, answerQueue)
	out.seq, out.mustEnc = s.cfg.sequencer(), !clear
	return nil
}

// lastData is when the peer last sent data of each family that proved itself, the zero time if
// never.
func (s *Session) lastData() (ipv4, ipv6 time.Time) {
	return s.in.lastOf(isIPv4), s.in.lastOf(isIPv6)
}

// Run works the link until it is down, and returns why. It is called once.
func (s *Session) Run(ctx context.Context) *ppp.DownError {
	defer close(s.done)
	defer s.cfg.Shared.reserves.remove(s)
	defer s.out.to.Close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	s.link.Open(s.cfg.Now())
	gone := s.gone
	for s.end == nil {
		select {
		case frame := <-s.in.frames:
			s.link.Input(s.cfg.Now(), frame)
		case <-s.wake:
		case <-timer.C:
		case reason := <-s.stop:
			s.link.Close(s.cfg.Now(), reason)
		case p := <-s.prove:
			s.link.Prove(s.cfg.Now(), p.within, p.why)
		case <-gone:
			gone = nil
			s.lastFrames()
			s.link.LowerDownFor(s.cfg.Now(), s.goneWhy)
		case <-ctx.Done():
			ctx = context.WithoutCancel(ctx)
			s.link.Close(s.cfg.Now(), "shutting down")
		}
		now := s.cfg.Now()
		s.work(now)
		s.setState(func(st *sessionState) {
			st.link = s.link.Stats()
			st.life, st.unheard = s.link.Life()
		})
		next := s.next(now)
		s.armed.Store(s.after(now.Add(next)))
		timer.Reset(next)
	}
	s.shutData()
	s.forgetKeys()
	s.traceData()
	return s.end
}

// lastFrames takes what came before the call was gone: often the reason.
func (s *Session) lastFrames() {
	for s.end == nil {
		select {
		case frame := <-s.in.frames:
			s.link.Input(s.cfg.Now(), frame)
		default:
			return
		}
	}
}

// CloseTime is how long a link may take to close in order: a peer that does not answer by then
// is gone, or will see the call end.
const CloseTime = 700 * time.Millisecond

// work does what is due.
func (s *Session) work(now time.Time) {
	if !s.closeBy.IsZero() && !now.Before(s.closeBy) {
		s.link.LowerDown(now)
	}
	s.in.expire(now) // first, for it may find that packets were lost
	s.reset(now)
	s.link.Tick(now)
	s.expireEarly(now)
	if ack, due := s.acks.due(now); due {
		s.out.sendAck(ack)
	}
	s.in.catchUp(now)
	s.checkKeys()
	s.reply()
}

// reset asks the peer to start its cipher over when a stateful decrypter has lost step, until it
// has found it again.
func (s *Session) reset(now time.Time) {
	if s.in.needReset.Swap(false) {
		s.resets = true
		s.link.RequestReset(now)
	}
	if !s.resets {
		return
	}
	if s.resets = s.in.waitsForReset(); !s.resets {
		s.link.ResetDone(now)
	}
}

// next is how long the session may sleep.
func (s *Session) next(now time.Time) time.Duration {
	wait := time.Hour
	if at, ok := s.link.Deadline(); ok {
		wait = min(wait, max(0, at.Sub(now)))
	}
	if at, ok := s.soonest(); ok {
		wait = min(wait, max(0, at.Sub(now)))
	}
	if !s.early.by.IsZero() {
		wait = min(wait, max(0, s.early.by.Sub(now)))
	}
	if !s.closeBy.IsZero() {
		wait = min(wait, max(0, s.closeBy.Sub(now)))
	}
	return wait
}

// soonest is the nearest deadline of the packet paths. The caller holds no lock.
func (s *Session) soonest() (at time.Time, ok bool) {
	at, ok = s.in.deadline()
	if ack, due := s.acks.deadline(); due && (!ok || ack.Before(at)) {
		return ack, true
	}
	return at, ok
}

// arm wakes the session's goroutine if the packet paths have brought a deadline nearer than it
// sleeps for. The caller holds no lock.
func (s *Session) arm() {
	at, ok := s.soonest()
	if ok && s.after(at) < s.armed.Load() || s.in.needReset.Load() {
		s.poke()
	}
}

// after is how long after the session's beginning a time is, in nanoseconds of the monotonic clock:
// the other one may be set meanwhile.
func (s *Session) after(at time.Time) int64 { return int64(at.Sub(s.since)) }

func (s *Session) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close ends the session in order; Done tells when it has ended.
func (s *Session) Close(reason string) {
	select {
	case s.stop <- reason:
	default:
	}
}

// proof is what Prove asks for.
type proof struct {
	within time.Duration
	why    string
}

// Prove ends the session, as one whose peer is gone, if the peer gives no sign of life within a
// time, which why explains.
func (s *Session) Prove(within time.Duration, why string) {
	select {
	case s.prove <- proof{within, why}:
	default: // it is asked already
	}
}

// Log is the session's own log, which names its peer and call.
func (s *Session) Log() *slog.Logger { return s.log }

// CallID is our call ID: that in GRE packets to us.
func (s *Session) CallID() uint16 { return s.callID }

// End is why the link is down, once Done is closed.
func (s *Session) End() *ppp.DownError { return s.end }

// Heard reports whether a GRE packet has come from the peer.
func (s *Session) Heard() bool { return s.in.heard.Load() }

// Acknowledged reports whether the peer has acknowledged a GRE packet of ours.
func (s *Session) Acknowledged() bool {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	return s.in.hasAck
}

// User is who has logged in, or empty.
func (s *Session) User() string { return s.getState().user }

// Network is what the link has agreed on, and whether packets pass.
func (s *Session) Network() (n ppp.NetworkUp, up bool) {
	st := s.getState()
	return st.network, st.up
}

// Strength is the number of MPPE key bits, 0 without encryption.
func (s *Session) Strength() int { return s.getState().strength }

// ClosingReason is why this end closes the link, in words for the peer; empty if it does not.
func (s *Session) ClosingReason() string { return s.getState().closing }

// CloseIPv6 closes IPV6CP. It is for an Owner's methods, which are called on the session's
// goroutine.
func (s *Session) CloseIPv6() { s.link.CloseIPv6(s.cfg.Now()) }

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// LowerDown tells the session that its call is gone, and why: only the first reason counts.
func (s *Session) LowerDown(why string) {
	s.goneMu.Do(func() {
		s.goneWhy = why
		close(s.gone)
	})
}

// beginsToClose notes that the link is on its way down. Data stops first: see closeNetwork.
func (s *Session) beginsToClose(reason *ppp.DownError) {
	now := s.cfg.Now()
	s.closeBy = now.Add(CloseTime)
	s.setState(func(st *sessionState) {
		st.phase, st.since = "closing", now
		switch reason.Class {
		case ppp.ClassPeer:
		case ppp.ClassTimeout:
			st.closing = "no answer comes by GRE"
		default:
			st.closing = reason.Message
		}
	})
}

// event takes one event of the link, on the session's goroutine.
func (s *Session) event(e ppp.Event) {
	switch e := e.(type) {
	case ppp.AuthSucceeded:
		s.setState(func(st *sessionState) { st.user, st.method, st.authed = e.User, e.Method, true })
		s.owner.AuthSucceeded(s, e)
	case ppp.AuthFailed:
		s.setState(func(st *sessionState) { st.failed = e.User })
		s.owner.AuthFailed(s, e)
	case ppp.Notice:
		s.log.Info("the server says", "text", e.Text)
	case ppp.EncryptionUp:
		if err := s.encrypt(e); err != nil {
			s.log.Error("encryption could not start", "error", err)
			s.Close("encryption could not start")
		}
		clear(e.Send.Key)
		clear(e.Recv.Key)
	case ppp.ResetRequested:
		s.out.reset()
	case ppp.NetworkUp:
		s.openNetwork(e)
	case ppp.NetworkDown:
		s.closeNetwork()
	case ppp.CaughtUp:
		s.sendEarly()
	case ppp.Closing:
		s.beginsToClose(e.Reason)
	case ppp.LinkDown:
		s.end = e.Reason
	}
}

// openNetwork lets IP packets pass, once the owner has made the way for them.
func (s *Session) openNetwork(e ppp.NetworkUp) {
	dev, err := s.owner.NetworkUp(s, e)
	if err != nil {
		s.log.Error("the local end could not be set up", "error", err)
		s.Close("the local end could not be set up")
		return
	}
	mtu := s.MTU(e)
	s.in.open(opening{
		dev: dev, mtu: mtu, magic: e.PeerMagic, nonce: e.EchoNonce,
		ipv4: e.Local.IsValid(), ipv6: e.LocalIPv6.IsValid(),
		check: s.cfg.CheckSource, source: e.Remote, source6: e.RemoteIPv6,
	})
	s.out.open(e, mtu)
	s.setState(func(st *sessionState) {
		if !st.up {
			st.since = s.cfg.Now()
		}
		st.network, st.up, st.phase = e, true, "up"
	})
	s.owner.Opened(s)
}

// MTU is the largest IP packet that both our setting and the peer's MRU allow.
func (s *Session) MTU(e ppp.NetworkUp) int {
	return max(MinMTU, min(e.SendMRU-s.out.overhead(), s.cfg.MTU))
}

func (s *Session) closeNetwork() {
	s.shutData()
	s.setState(func(st *sessionState) {
		st.up = false
		if st.phase == "up" {
			st.phase, st.since = "negotiating", s.cfg.Now()
		}
	})
	s.owner.NetworkDown(s)
}

// shutData stops IP packets both ways at once and lets go of what the window holds.
func (s *Session) shutData() {
	s.out.shut()
	s.in.shut()
}

func (s *Session) setState(f func(*sessionState)) {
	s.stateMu.Lock()
	f(&s.state)
	s.stateMu.Unlock()
}

func (s *Session) getState() sessionState {
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	return s.state
}
