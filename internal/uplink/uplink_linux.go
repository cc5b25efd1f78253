package uplink

import (
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// Config of an Uplink.
type Config struct {
	Local netip.Addr // IPv4, ours: where packets come from
	Mode  Mode       // not Raw
	// Frames is how many packets an AF_XDP socket has room for, a power of two; 0: 2,048. Each
	// takes 2 KB, which cannot be swapped.
	Frames int
	Mark   uint32 // the firewall mark of what is sent; 0: none
	Log    *slog.Logger
}

// Uplink knows how packets from one local address leave this machine. One goroutine of its own
// follows what the kernel says of it; who sends reads one pointer.
type Uplink struct {
	cfg     Config
	host    *host
	news    []*rtnetlink.Subscription
	where   rtnetlink.Namespace
	changes chan change
	broken  chan failure
	wake    chan struct{}
	done    chan struct{}
	ended   sync.WaitGroup
	ids     atomic.Uint32

	mu    sync.Mutex // guards what follows, and the paths' fields that are the follower's
	paths map[*Path]struct{}
	links map[int]*link
	off   string // why there is no fast way at all
	only  int    // the interface that packets have to leave by; 0: any

	// What is known of the host, until news come; the follower's own.
	neighbours map[int]map[netip.Addr]neighbourFacts
	whole      *hostFacts
	turn       int
}

// failure is a transmitter's error.
type failure struct {
	r   *route
	err error
}

// Open starts following. It belongs to the network namespace of the calling thread.
func Open(cfg Config) (*Uplink, error) {
	u := &Uplink{
		cfg:        cfg,
		changes:    make(chan change, 256),
		broken:     make(chan failure, 16),
		wake:       make(chan struct{}, 1),
		done:       make(chan struct{}),
		paths:      make(map[*Path]struct{}),
		links:      make(map[int]*link),
		neighbours: make(map[int]map[netip.Addr]neighbourFacts),
	}
	u.ids.Store(rand.Uint32())
	var err error
	if u.where, err = rtnetlink.ThisNamespace(); err != nil {
		return nil, err
	}
	if u.host, err = openHost(); err != nil {
		u.where.Close()
		return nil, err
	}
	if err = u.openNotifications(); err != nil {
		u.host.close()
		u.where.Close()
		return nil, err
	}
	u.ended.Go(u.run)
	return u, nil
}

// Close ends all paths.
func (u *Uplink) Close() {
	close(u.done)
	u.mu.Lock()
	for _, s := range u.news {
		s.Close()
	}
	u.mu.Unlock()
	u.ended.Wait()
	u.mu.Lock()
	defer u.mu.Unlock()
	for p := range u.paths {
		p.end()
	}
	clear(u.paths)
	for _, l := range u.links {
		l.shut()
	}
	u.host.close()
	u.where.Close()
}

// LeaveBy has everything leave by the interface with an index, or by none but the raw socket where
// that cannot be; 0: by the routes alone.
func (u *Uplink) LeaveBy(ifindex int) {
	u.mu.Lock()
	changed := u.only != ifindex
	u.only = ifindex
	if changed {
		u.mark(func(*Path) bool { return true })
	}
	u.mu.Unlock()
	if changed {
		u.poke()
	}
}

// Path gives the way to a peer, which is the raw socket until the peer has acknowledged something
// that came by that.
func (u *Uplink) Path(peer netip.Addr) *Path {
	p := &Path{u: u, peer: peer, why: notUp}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.paths[p] = struct{}{}
	return p
}

const (
	notUp    = "the session is not up yet"
	noAnswer = "the peer has acknowledged nothing yet"
)

// tell hands news to the follower. When it has too much to hear, what is left out is made up for by
// asking anew.
func (u *Uplink) tell(n change) {
	select {
	case u.changes <- n:
	case <-u.done:
	}
}

// see has the follower look at a path.
func (u *Uplink) see(p *Path) {
	u.mu.Lock()
	p.dirty = true
	u.mu.Unlock()
	u.poke()
}

// poke has the follower look.
func (u *Uplink) poke() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// failed tells the follower of a transmitter's error.
func (u *Uplink) failed(r *route, err error) {
	select {
	case u.broken <- failure{r, err}:
	default: // it has been told of enough
	}
}

// every is the time between two looks at the paths, and askAgain the looks after which the kernel
// is asked about each even without news: redirects and path MTUs make none.
const (
	every    = time.Second
	askAgain = 10
)

// run follows until Close.
func (u *Uplink) run() {
	if !u.enter() {
		u.mu.Lock()
		u.off = "the network namespace of the socket cannot be entered"
		u.mu.Unlock()
		<-u.done
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-u.done:
			return
		case n := <-u.changes:
			u.mu.Lock()
			u.takeChange(n)
			u.takeWaiting()
		case b := <-u.broken:
			u.mu.Lock()
			u.dropFailed(b)
		case <-u.wake:
			u.mu.Lock()
		case <-tick.C:
			u.mu.Lock()
			u.awaitIPsec()
			u.look(time.Now())
		}
		u.reselect(time.Now())
		u.mu.Unlock()
	}
}

// enter brings the goroutine into the network namespace of Open, where transmitters must be opened.
func (u *Uplink) enter() bool {
	runtime.LockOSThread()
	here, err := rtnetlink.ThisNamespace()
	if err != nil {
		return false
	}
	defer here.Close()
	if here.Equal(u.where) {
		runtime.UnlockOSThread()
		return true
	}
	// The thread stays locked, and ends with the goroutine.
	return u.where.Enter() == nil
}

// takeWaiting takes the changes that are there already, so that a storm of them is answered once.
func (u *Uplink) takeWaiting() {
	for range cap(u.changes) {
		select {
		case n := <-u.changes:
			u.takeChange(n)
		default:
			return
		}
	}
}

// takeChange marks the paths that news may concern.
func (u *Uplink) takeChange(n change) {
	switch n.kind {
	case everything:
		u.whole = nil
		clear(u.neighbours)
		u.mark(func(*Path) bool { return true })
	case aRoute:
		u.mark(func(p *Path) bool { return n.prefix.Contains(p.peer) })
	case aNeighbour:
		if neighbour := u.neighbours[n.link]; neighbour != nil && neighbour[n.addr] != n.neighbour {
			neighbour[n.addr] = n.neighbour
			u.mark(func(p *Path) bool { return p.link == n.link && p.nextHop == n.addr })
		}
	case aLink:
		delete(u.neighbours, n.link)
		u.mark(func(p *Path) bool { return p.link == n.link || p.link == 0 })
	}
}

func (u *Uplink) mark(concerned func(*Path) bool) {
	for p := range u.paths {
		if concerned(p) {
			p.dirty = true
		}
	}
}

// dropFailed closes a transmitter that has failed.
func (u *Uplink) dropFailed(b failure) {
	l := u.links[b.r.link]
	if l == nil || l.tx != b.r.tx {
		return // it is gone already
	}
	l.drop(time.Now(), b.err)
	for p := range u.paths {
		if r := p.cur.Load(); r == nil || r.tx == b.r.tx {
			p.dirty = true
		}
	}
}

// look judges every path once a second.
func (u *Uplink) look(now time.Time) {
	u.turn++
	if u.turn%askAgain == 0 {
		u.whole = nil
		clear(u.neighbours)
	}
	i := 0
	for p := range u.paths {
		u.examine(now, p)
		// Not all in the same second; the order of a map is a new one each time, so this is about
		// every tenth.
		if i++; (i+u.turn)%askAgain == 0 || len(u.paths) < askAgain && u.turn%askAgain == 0 {
			p.dirty = true
		}
	}
	for _, l := range u.links {
		if l.due(now, u.cfg.Mode.ways()) {
			u.mark(func(p *Path) bool { return p.link == l.index })
		}
	}
	u.tend()
}

// unused is for how many looks a transmitter that no path uses stays open: closing one takes the
// kernel a moment, in which its queue cannot be had again.
const unused = 30

// tend sees to the transmitters.
func (u *Uplink) tend() {
	used := map[transmitter]bool{}
	for p := range u.paths {
		if r := p.cur.Load(); r != nil {
			used[r.tx] = true
		}
	}
	for _, l := range u.links {
		switch {
		case l.tx == nil:
		case used[l.tx]:
			l.idle = 0
			l.tx.tend()
		default:
			if l.idle++; l.idle > unused {
				l.shut()
			}
		}
	}
}

// examine holds what a path has sent against what has come back.
func (u *Uplink) examine(now time.Time, p *Path) {
	r := p.cur.Load()
	if r == nil {
		if p.held != "" && p.hold.allows(now) || p.ban != "" && p.banned.allows(now) {
			p.dirty = true
		}
		return
	}
	if n := r.sent.Load(); n != p.counted {
		p.counted = n
		p.probe.Store(true)
	}
	first, last, ack := r.first.Load(), r.last.Load(), p.ack.Load()
	sent := sentBy{any: first != 0 && last != 0, first: uint32(first), last: uint32(last)}
	l := u.links[r.link]
	switch p.delivery.look(sent, heard{any: ack != 0, ack: uint32(ack)}) {
	case goOn:
		if p.delivery.seen {
			l.proven = true
			l.tries[l.way].worked()
			p.hold.worked()
			p.banned.worked()
			p.held = ""
		}
	case failed:
		p.ban = "nothing was acknowledged that went by " + l.way.String() + " on " + l.name + ": something (source NAT?) needs the kernel's way"
		p.banned.banned(now)
		l.noteUndelivered(now, p.ban)
		u.cfg.Log.Warn("back to the raw socket", "peer", p.peer, "reason", p.ban, "again_in", p.banned.pause)
		p.dirty = true
	case lost:
		p.hold.failed(now)
		p.held = "the peer has stopped acknowledging what goes by " + l.way.String()
		p.dirty = true
	}
}
