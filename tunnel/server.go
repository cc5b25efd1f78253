package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// AddressPool gives tunnel addresses to users and takes them back.
type AddressPool interface {
	// Take gives a free address that allowed (nil: any) permits, best the last one that the user
	// had.
	Take(user string, allowed func(netip.Addr) bool) (netip.Addr, error)
	// Reserve takes exactly that address, of the pool or not, if nobody has it.
	Reserve(netip.Addr) bool
	Give(netip.Addr) bool
}

// Account is what a server's user database knows of a user.
type Account struct {
	ppp.Account
	// Preferred is the one address the user always gets, or the zero Addr. When Allowed allows no
	// other, a later session of the user takes it over, and the earlier one ends.
	Preferred netip.Addr
}

// ServerConfig describes a server (we are the PAC, RFC 2637 section 1).
type ServerConfig struct {
	Options
	Listeners []net.Listener // of the control connections, one or more; Serve closes them
	Device    netdev.Device  // one for all sessions; Serve closes it
	LocalIP   netip.Addr     // our address in every tunnel
	LocalIP6  netip.Addr     // with IPv6: our link-local address in every tunnel, which Device has
	Pool      AddressPool
	Lookup    func(user string) (Account, bool)
	// Explain, if not nil, says for the log why Lookup does not know a user, where that is worth a
	// word; else "".
	Explain func(user string) string

	Name        string       // in CHAP challenges; empty: "arc4"
	DNS, NBNS   []netip.Addr // offered to clients, at most two each
	MaxSessions int          // 0: 1,024
	// SessionMemory is what all sessions may take, in bytes; 0: no bound. It counts with Small
	// only: there may then be as many sessions as have room in it, each at its worst, and no more
	// than MaxSessions; nor may more be about to log in. Who comes then is refused, as when all
	// sessions are in use.
	SessionMemory int
	// SessionsPerUser is how many sessions a user may have at once; 0: no limit. One more ends the
	// user's oldest.
	SessionsPerUser int
	Guard           GuardLimits

	// Watch, if not nil, gives who is told of the network of one session.
	Watch func() SessionWatcher

	// Readers is how many sockets share the packets that come to one of our addresses, 1 to
	// gre.MaxReaders, each read by a goroutine of its own; 0: DefaultReaders. ListenGRE, if not
	// nil, has its own way.
	Readers   int
	ListenGRE func(local netip.Addr) (gre.Conn, error) // nil: raw sockets
}

// ServerSession is a user's session as a SessionWatcher is told of it.
type ServerSession struct {
	User                  string
	Peer                  netip.Addr // the client's outer address
	Local, Remote         netip.Addr // the tunnel's
	LocalIPv6, RemoteIPv6 netip.Addr // link-local, if IPv6 was negotiated
}

// SessionWatcher is told, on the session's goroutine, what becomes of one session of a Server. Up
// and Down may come several times, for the two ends may negotiate anew.
type SessionWatcher interface {
	// Preparing comes before packets pass, and they wait for it.
	Preparing(ServerSession)
	Up(ServerSession)
	// Down says what has passed since the session began.
	Down(status.Traffic)
}

// DefaultMaxSessions is what MaxSessions 0 stands for.
const DefaultMaxSessions = 1024

// DefaultReaders is what ServerConfig.Readers 0 stands for: one for each processor, and at most
// four, for the device takes packets of one reader at a time.
func DefaultReaders() int { return min(runtime.NumCPU(), runtime.GOMAXPROCS(0), 4) }

// wideAddresses is how many of our addresses at once have more than one reader, and ways to send
// past the raw socket: both cost descriptors and threads, and a machine may have hundreds of
// addresses.
const wideAddresses = 16

// manyAddresses is why the sessions on the addresses beyond those send by the raw socket, for
// status.
var manyAddresses = fmt.Sprintf("clients call %d other addresses of this machine already, and no more than those have faster ways", wideAddresses)

// Server answers PPTP clients.
type Server struct {
	cfg       ServerConfig
	noRoom    string // why, when MaxSessions are there
	abandoned *abandonment
	guard     *guard
	counted   struct{ connections, refused, authFailures, banned, evicted, late atomic.Uint64 }

	lines     *logBudgets
	strangers *slog.Logger // for lines that peers without a user cause

	// Sockets are opened and closed by whoever calls, and that takes a while for which no packet is
	// to wait: it has a lock of its own.
	sockets   sync.Mutex
	receivers map[netip.Addr]*serverReceiver // by our outer address

	mu        sync.RWMutex
	byAddress map[netip.Addr]*session.Session   // by the client's tunnel address, both families
	sessions  map[*session.Session][]netip.Addr // with the keys of byAddress that are theirs
	leases    map[netip.Addr]*serverCall        // who has an address of the pool
	places    int                               // taken by sessions with a user
	users     map[string][]*serverCall          // those sessions by user, oldest first, without those told to end for a later one
	past      totals
	strays    atomic.Uint64 // GRE packets for no session
	unrouted  atomic.Uint64 // IP packets from the device for no session
	looped    atomic.Uint64 // packets of calls themselves that came from the device
	loop      serverLoop
	conns     sync.WaitGroup
}

// NewServer checks a configuration. Nothing is opened yet.
func NewServer(cfg ServerConfig) (*Server, error) {
	var err error
	if cfg.Options, err = cfg.Options.withDefaults(); err != nil {
		return nil, err
	}
	if len(cfg.Listeners) == 0 || cfg.Device == nil || cfg.Pool == nil || cfg.Lookup == nil {
		return nil, errors.New("tunnel: ServerConfig needs Listeners, Device, Pool and Lookup")
	}
	if !cfg.LocalIP.Is4() {
		return nil, fmt.Errorf("tunnel: local address %s is not IPv4", cfg.LocalIP)
	}
	if cfg.IPv6 && !(cfg.LocalIP6.Is6() && cfg.LocalIP6.IsLinkLocalUnicast()) {
		return nil, fmt.Errorf("tunnel: IPv6 needs LocalIP6, a link-local address, and it is %v", cfg.LocalIP6)
	}
	if cfg.MaxSessions == 0 {
		cfg.MaxSessions = DefaultMaxSessions
	}
	if cfg.MaxSessions < 1 || cfg.MaxSessions > 65535 {
		return nil, fmt.Errorf("tunnel: %d sessions: must be 1 to 65535", cfg.MaxSessions)
	}
	if cfg.SessionsPerUser < 0 {
		return nil, fmt.Errorf("tunnel: %d sessions per user: must be 1 or more, or 0 for no limit", cfg.SessionsPerUser)
	}
	if cfg.Readers == 0 {
		cfg.Readers = DefaultReaders()
	}
	if cfg.Readers < 1 || cfg.Readers > gre.MaxReaders {
		return nil, fmt.Errorf("tunnel: %d readers: must be 1 to %d", cfg.Readers, gre.MaxReaders)
	}
	if err := cfg.Guard.withDefaults().validate(); err != nil {
		return nil, err
	}
	noRoom := cfg.room()
	v := &Server{
		cfg: cfg, noRoom: noRoom, abandoned: newAbandonment(), guard: newGuard(cfg.Guard), lines: newLogBudgets(cfg.Log, cfg.Now),
		receivers: make(map[netip.Addr]*serverReceiver),
		byAddress: make(map[netip.Addr]*session.Session),
		sessions:  make(map[*session.Session][]netip.Addr),
		leases:    make(map[netip.Addr]*serverCall),
		users:     make(map[string][]*serverCall),
	}
	v.strangers = v.lines.stranger()
	probe := v.linkConfig(nil)
	probe.Send, probe.Event = func([]byte) {}, func(ppp.Event) {}
	if _, err := ppp.New(probe); err != nil {
		return nil, err
	}
	return v, nil
}

// Serve answers clients until ctx ends, then ends every session in order. The error is nil after a
// stop that was asked for, else an *Error.
func (v *Server) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The sockets on fixed addresses are opened now, so that a missing permission shows at the
	// start.
	if err := v.openEarly(); err != nil {
		v.closeListeners()
		v.closeReceivers()
		v.cfg.Device.Close()
		return failure(classOfOpen(err), err, "GRE socket")
	}
	stop := context.AfterFunc(ctx, v.closeListeners)
	defer stop()
	v.conns.Go(func() { v.lines.run(ctx) })
	reading := make(chan error, 1)
	go func() {
		r := session.NewDeviceReader(v.cfg.Device, session.Routing{Session: v.route, Unrouted: &v.unrouted, Loop: &v.loop, Looped: &v.looped}, v.cfg.sizes())
		err := r.Run()
		if err != nil {
			cancel()
		}
		reading <- err
	}()
	var accepting sync.WaitGroup
	for _, l := range v.cfg.Listeners {
		accepting.Go(func() {
			v.accept(ctx, l)
			cancel()
		})
	}
	accepting.Wait()
	v.conns.Wait()
	v.cfg.Device.Close()
	devErr := <-reading
	v.closeReceivers()
	if devErr != nil {
		return failure(ClassOther, devErr, "the TUN device failed")
	}
	return nil
}

func (v *Server) closeListeners() {
	for _, l := range v.cfg.Listeners {
		l.Close()
	}
}

// openEarly proves that raw sockets can be had, and keeps those, without letGo, that are on
// addresses clients call.
func (v *Server) openEarly() error {
	opened := make(map[netip.Addr]bool)
	for _, l := range v.cfg.Listeners {
		at, err := netip.ParseAddrPort(l.Addr().String())
		v.loop.ports = append(v.loop.ports, at.Port())
		if a := at.Addr().Unmap(); err == nil && !opened[a] {
			opened[a] = true
			if err := v.openEarlyOn(a); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *Server) openEarlyOn(a netip.Addr) error {
	if a.IsUnspecified() {
		v.sockets.Lock()
		defer v.sockets.Unlock()
		conn, err := v.listen(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
		if err == nil {
			conn.Close()
		}
		return err
	}
	_, err := v.receiverOn(a)
	return err
}

// accept takes control connections until the listener is closed.
func (v *Server) accept(ctx context.Context, listener net.Listener) {
	pause := 5 * time.Millisecond
	for {
		tcp, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of descriptors, say: serve those who are there and try again.
			v.strangers.Warn("accepting a control connection", "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, time.Second)
			continue
		}
		pause = 5 * time.Millisecond
		v.counted.connections.Add(1)
		local, peer, err := ends(tcp)
		if err != nil {
			tcp.Close()
			continue
		}
		// The guard lets everybody in, and has who must go for it go: nobody waits in the
		// listener's queue.
		k := newServerConn(v, tcp, local, peer)
		v.conns.Go(func() {
			defer v.loop.add(local, peer)()
			k.run(ctx)
		})
	}
}

// serverReceiver is the receiver on one of our addresses, and how many control connections have it,
// under the lock of the server's sockets.
type serverReceiver struct {
	*session.Receiver
	users int
}

// receiverOn gives the receiver on one of our outer addresses, and opens it for the first client
// that calls there. Who has it gives it back with letGo.
func (v *Server) receiverOn(local netip.Addr) (*serverReceiver, error) {
	v.sockets.Lock()
	defer v.sockets.Unlock()
	if r := v.receivers[local]; r != nil {
		r.users++
		return r, nil
	}
	conn, err := v.listen(local)
	if err != nil {
		return nil, err
	}
	r := &serverReceiver{session.NewReceiver(conn, v.cfg.Now, &v.strays, v.cfg.sizes()), 1}
	v.receivers[local] = r
	go func() {
		if err := r.Run(); err != nil {
			v.strangers.Error("reading GRE", "local", local, "error", err)
			v.sockets.Lock()
			v.discard(local, r) // the next client gets another
			v.sockets.Unlock()
		}
	}()
	return r, nil
}

// listen opens the sockets on one of our addresses. The caller holds sockets.
func (v *Server) listen(local netip.Addr) (gre.Conn, error) {
	if v.cfg.ListenGRE != nil {
		return v.cfg.ListenGRE(local)
	}
	o := v.cfg.listenOptions()
	o.Log, o.Readers = v.strangers, v.cfg.Readers
	if len(v.receivers) >= wideAddresses {
		if o.IO != gre.ModeRaw {
			o.IO, o.RawWhy = gre.ModeRaw, manyAddresses
		}
		o.Readers = 1
		v.strangers.Info("clients call many addresses: this one has one reader, and sends by the raw socket", "local", local)
	}
	return gre.Listen(local, o)
}

// letGo closes a receiver that nobody uses any more: a machine may have more addresses than
// descriptors.
func (v *Server) letGo(local netip.Addr, r *serverReceiver) {
	v.sockets.Lock()
	defer v.sockets.Unlock()
	if r.users--; r.users == 0 {
		v.discard(local, r)
	}
}

// discard closes a receiver, and takes it off the list if it is still there. The caller holds
// sockets.
func (v *Server) discard(local netip.Addr, r *serverReceiver) {
	if v.receivers[local] == r {
		delete(v.receivers, local)
	}
	r.Conn().Close()
}

func (v *Server) closeReceivers() {
	v.sockets.Lock()
	defer v.sockets.Unlock()
	for _, r := range v.receivers {
		r.Conn().Close()
	}
}

// linkConfig is the PPP side of the session of a call, which is nil in a trial.
func (v *Server) linkConfig(c *serverCall) ppp.Config {
	pc := v.cfg.pppConfig()
	pc.Server, pc.Name = true, v.cfg.Name
	pc.DNS, pc.NBNS = v.cfg.DNS, v.cfg.NBNS
	if v.cfg.IPv6 {
		id := v.cfg.LocalIP6.As16()
		pc.InterfaceID = [8]byte(id[8:])
	}
	pc.Assign = func(string) (l, r netip.Addr, err error) { return l, r, errors.New("a trial") }
	if c != nil {
		pc.Assign, pc.Barred = c.assign, c.barred
		pc.InterfaceIDTaken = func(id [8]byte) bool { return v.belongsToOther(c.session, ppp.LinkLocal(id)) }
	}
	pc.Lookup = func(user string) (ppp.Account, bool) {
		a, ok := v.cfg.Lookup(user)
		return a.Account, ok
	}
	return pc
}

// route finds the session of a packet from the device by its destination.
func (v *Server) route(ip []byte) *session.Session {
	to := ippkt.Destination(ip)
	if !to.IsValid() {
		return nil
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.byAddress[to]
}

// full reports whether there is no room at the moment.
func (v *Server) full() bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.places >= v.cfg.MaxSessions
}

// retire takes an ended session off the list and adds what it has done to the totals, in one step:
// they never go down.
func (v *Server) retire(s *session.Session, last status.Session) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.sessions, s)
	v.past.add(last)
}

func (v *Server) addSession(s *session.Session) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sessions[s] = nil
}

// belongsToOther reports whether a tunnel address is that of another user's session.
func (v *Server) belongsToOther(s *session.Session, a netip.Addr) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.belongsToOtherLocked(s, a)
}

func (v *Server) belongsToOtherLocked(s *session.Session, a netip.Addr) bool {
	owner := v.byAddress[a]
	return owner != nil && owner != s && owner.User() != s.User()
}

// setRoutes points a session's tunnel addresses to it. A client chooses its own IPv6 interface
// identifier; that of another user's session stays where it is, and only a user who comes back
// takes over from the session left behind. no6 is true where two have chosen the same one at the
// same time: the later has IPv4 alone.
func (v *Server) setRoutes(s *session.Session, e ppp.NetworkUp) (no6 bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.belongsToOtherLocked(s, e.Remote) {
		return false, fmt.Errorf("the tunnel address %s belongs to another client", e.Remote)
	}
	addresses := [...]netip.Addr{e.Remote, e.RemoteIPv6}
	if no6 = v.belongsToOtherLocked(s, e.RemoteIPv6); no6 {
		addresses[1] = netip.Addr{}
	}
	v.dropRoutesLocked(s)
	for _, a := range addresses {
		if a.IsValid() {
			v.byAddress[a] = s
			v.sessions[s] = append(v.sessions[s], a)
		}
	}
	return no6, nil
}

func (v *Server) dropRoutes(s *session.Session) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dropRoutesLocked(s)
}

// dropRoutesLocked leaves alone what another session of the user has taken over. The caller holds
// mu.
func (v *Server) dropRoutesLocked(s *session.Session) {
	for _, a := range v.sessions[s] {
		if v.byAddress[a] == s {
			delete(v.byAddress, a)
		}
	}
	if _, known := v.sessions[s]; known {
		v.sessions[s] = nil
	}
}
