package tunnel

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// guard limits what peers without a user may cost a server: control connections and the calls on
// them (startups.go), and wrong passwords (bans.go).
type guard struct {
	mu       sync.Mutex
	limits   GuardLimits
	startups startups
	bans     bans
}

// GuardLimits bounds unauthenticated peers. The zero value of a field stands for its default.
//
// A control connection on which nobody is logged in, and a call on which nobody is, are a startup
// each: a login is two of them. When there is no room for another one, the oldest of the busiest
// network goes, never the newcomer. How busy a network is, its startups say that came to nothing
// lately: a login takes its own off the account.
type GuardLimits struct {
	Starting        int           // startups at once (512)
	StartingPerAddr int           // from one address: sixteen clients behind one NAT (32)
	StartingPerUser int           // control connections of one user that have no call with a user any more (8)
	Handshake       time.Duration // how long a control connection may be without a call on which a user is logged in (2 min)

	// Failures is how many wrong passwords for one user from one address ban the two together (6):
	// this user may not log in from there, others may. FailuresPerAddr is the same for an address
	// with whatever users (24). Both count what happens with pauses of less than Penalty.
	Failures        int
	FailuresPerAddr int
	// Penalty is how long a ban lasts (1 min), which every further ban doubles, up to an hour.
	// Negative: nobody is banned.
	Penalty time.Duration
}

// Defaults of GuardLimits.
const (
	DefaultStarting        = 512
	DefaultStartingPerAddr = 32
	DefaultStartingPerUser = 8
	DefaultHandshake       = 2 * time.Minute // as sshd's LoginGraceTime
	DefaultFailures        = 6               // as sshd's MaxAuthTries
	DefaultFailuresPerAddr = 24
	DefaultPenalty         = time.Minute
)

func (l GuardLimits) withDefaults() GuardLimits {
	orDefault := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	orDefault(&l.Starting, DefaultStarting)
	orDefault(&l.StartingPerAddr, min(DefaultStartingPerAddr, l.Starting))
	orDefault(&l.StartingPerUser, min(DefaultStartingPerUser, l.Starting))
	orDefault(&l.Failures, DefaultFailures)
	orDefault(&l.FailuresPerAddr, max(DefaultFailuresPerAddr, l.Failures))
	if l.Penalty == 0 {
		l.Penalty = DefaultPenalty
	}
	if l.Handshake == 0 {
		l.Handshake = DefaultHandshake
	}
	return l
}

// validate names the first limit that cannot work. Defaults are in.
func (l GuardLimits) validate() error {
	switch {
	case l.Starting < 2 || l.StartingPerAddr < 2:
		return fmt.Errorf("tunnel: %d startups, %d from one address: a login is two, so both must be at least 2", l.Starting, l.StartingPerAddr)
	case l.StartingPerUser < 1:
		return fmt.Errorf("tunnel: %d startups of a user: must be at least 1", l.StartingPerUser)
	case l.Failures < 1 || l.FailuresPerAddr < l.Failures:
		return fmt.Errorf("tunnel: %d failures, %d from one address: must be at least 1, and the second no less than the first", l.Failures, l.FailuresPerAddr)
	case l.Handshake < 0:
		return fmt.Errorf("tunnel: handshake time %v: must be positive", l.Handshake)
	}
	return nil
}

func newGuard(limits GuardLimits) *guard {
	limits = limits.withDefaults()
	return &guard{limits: limits, startups: newStartups(limits), bans: newBans(limits)}
}

// admit takes a new control connection in, and evicts who must go for it. user is who was logged in
// on it, or empty. What is admitted is given back with release or proven; evict ends it from
// outside, and is called once at most.
func (g *guard) admit(now time.Time, a netip.Addr, user string, evict func()) *startup {
	return g.add(now, &startup{addr: a, user: user, evict: evict})
}

// admitCall does the same for a call on a connection, which is nil when a user is logged in there.
// The result is nil when the connection itself must go.
func (g *guard) admitCall(now time.Time, a netip.Addr, conn *startup, evict func()) *startup {
	return g.add(now, &startup{addr: a, conn: conn, evict: evict})
}

func (g *guard) add(now time.Time, u *startup) *startup {
	g.mu.Lock()
	evicted := g.startups.add(now, u)
	admitted := !u.gone
	g.mu.Unlock()
	for _, e := range evicted {
		e.evict()
	}
	if !admitted {
		return nil
	}
	return u
}

// release ends what admit let begin, which has come to nothing. Again, or of nil, it does nothing.
func (g *guard) release(u *startup) {
	if u == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.startups.remove(u, false)
}

// proven ends the startups of a call whose user has logged in, and forgives that user's failures.
func (g *guard) proven(now time.Time, a netip.Addr, user string, units ...*startup) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, u := range units {
		if u != nil {
			g.startups.remove(u, true)
		}
	}
	g.bans.succeeded(now, a, user)
}

// left says that a session of a user has ended.
func (g *guard) left(now time.Time, a netip.Addr, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bans.left(now, a, user)
}

// failed counts a wrong password, and gives the bans that follow from it.
func (g *guard) failed(now time.Time, a netip.Addr, user string) []ban {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bans.failed(now, a, user)
}

// closedTo reports whether an address is banned as a whole, and no control connection is taken from
// it.
func (g *guard) closedTo(now time.Time, a netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bans.closedTo(now, a)
}

// barred says for how long a user may not log in from an address; 0: the password decides.
func (g *guard) barred(now time.Time, a netip.Addr, user string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bans.barred(now, a, user)
}

// banned lists the bans in force, the last to end first, and says how many there are beyond the
// list.
func (g *guard) banned(now time.Time) (list []ban, more int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bans.list(now)
}

// starting is how many startups there are.
func (g *guard) starting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.startups.count
}
