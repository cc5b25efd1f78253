package tunnel

import (
	"net/netip"
	"sync"
	"time"
)

// guard limits what one address, and all of them together, may cost a server before they have authenticated: control
// connections, the calls on them, and wrong passwords.
type guard struct {
	mu        sync.Mutex
	limits    GuardLimits
	starting  int
	perAddr   map[netip.Addr]int
	failures  map[netip.Addr]*failureRun
	lastSweep time.Time
}

// GuardLimits bounds unauthenticated peers. The zero value of a field stands for its default.
type GuardLimits struct {
	Starting        int           // control connections, and calls, without a user at once (512)
	StartingPerAddr int           // the same from one address (32: sixteen clients behind one NAT)
	Failures        int           // failed authentications from one address before it must wait (6)
	Penalty         time.Duration // how long such an address is refused, and failures are remembered (60 s)
	Handshake       time.Duration // how long a control connection may go without a call until a user has authenticated (60 s)
}

func (l GuardLimits) withDefaults() GuardLimits {
	if l.Starting == 0 {
		l.Starting = 512
	}
	if l.StartingPerAddr == 0 {
		l.StartingPerAddr = 32
	}
	if l.Failures == 0 {
		l.Failures = 6
	}
	if l.Penalty == 0 {
		l.Penalty = time.Minute
	}
	if l.Handshake == 0 {
		l.Handshake = time.Minute
	}
	return l
}

type failureRun struct {
	count int
	last  time.Time
}

// maxFailureRuns bounds the memory for addresses that failed; past it the oldest are forgotten.
const maxFailureRuns = 4096

func newGuard(limits GuardLimits) *guard {
	return &guard{
		limits:   limits.withDefaults(),
		perAddr:  make(map[netip.Addr]int),
		failures: make(map[netip.Addr]*failureRun),
	}
}

// admit takes a new control connection or call in, or says why not. Every admitted one is given back with release, once.
func (g *guard) admit(now time.Time, a netip.Addr) (ok bool, why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	if f := g.failures[a]; f != nil && f.count >= g.limits.Failures {
		return false, "too many failed authentications"
	}
	if g.starting >= g.limits.Starting {
		return false, "too many handshakes at once"
	}
	if g.perAddr[a] >= g.limits.StartingPerAddr {
		return false, "too many handshakes from this address at once"
	}
	g.starting++
	g.perAddr[a]++
	return true, ""
}

// release ends what admit let begin: the peer has authenticated, or has gone.
func (g *guard) release(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.starting--
	if g.perAddr[a]--; g.perAddr[a] <= 0 {
		delete(g.perAddr, a)
	}
}

// failed counts a failed authentication against an address; succeeded clears its record.
func (g *guard) failed(now time.Time, a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.failures[a]
	if f == nil {
		if len(g.failures) >= maxFailureRuns {
			g.forgetOldest()
		}
		f = new(failureRun)
		g.failures[a] = f
	}
	f.count++
	f.last = now
}

func (g *guard) succeeded(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.failures, a)
}

func (g *guard) forgetOldest() {
	var oldest netip.Addr
	var when time.Time
	for a, f := range g.failures {
		if when.IsZero() || f.last.Before(when) {
			oldest, when = a, f.last
		}
	}
	delete(g.failures, oldest)
}

func (g *guard) sweep(now time.Time) {
	if now.Sub(g.lastSweep) < time.Second {
		return
	}
	g.lastSweep = now
	for a, f := range g.failures {
		if now.Sub(f.last) > g.limits.Penalty {
			delete(g.failures, a)
		}
	}
}
