package tunnel

import (
	"container/heap"
	"container/list"
	"net/netip"
	"slices"
	"time"
)

// startup is a control connection on which nobody is logged in, or a call on which nobody is.
type startup struct {
	addr  netip.Addr
	user  string   // of a connection: who was logged in there
	conn  *startup // of a call: its connection, nil when that is no startup
	evict func()

	since  time.Time
	gone   bool // evicted, released or proven
	source *source
	cost   int        // what it has been charged with
	window int        // and when
	calls  []*startup // those on it that there are
	called bool       // it has had a call
	inAddr *list.Element
	inUser *list.Element
}

// Costs of a startup. A connection's first call is free: every login has one, and must not count
// for more than a silent connection does. Addresses from which somebody has logged in lately pay
// less.
const (
	costOfStranger = 8
	costOfKnown    = 1
)

// maxSources bounds the memory for addresses without a startup; past it those that went first are
// forgotten.
const maxSources = 8192

// startups are all of them, in the order in which they would have to go. Adding and removing one
// takes O(log n).
type startups struct {
	limits   GuardLimits
	count    int
	sources  map[netip.Addr]*source
	networks map[netip.Prefix]*network
	busiest  group     // networks that have a startup
	users    userQueue // connections by the user they had
	idle     *list.List
	window   int       // windows of limits.Handshake so far
	turned   time.Time // when this one began
}

type userQueue map[string]*list.List

// source is an address, and network those that share a prefix.
type source struct {
	member
	addr    netip.Addr
	network *network
	queue   *list.List // of *startup, oldest first
	known   bool       // somebody has logged in from there
	idle    *list.Element
}

type network struct {
	member
	prefix  netip.Prefix
	sources int   // all of them, idle ones too
	busiest group // those that have a startup
}

func newStartups(limits GuardLimits) startups {
	return startups{
		limits: limits, sources: make(map[netip.Addr]*source), networks: make(map[netip.Prefix]*network),
		users: make(userQueue), idle: list.New(),
	}
}

// networkOf is what counts as one network: who has one address of it has them all, often.
func networkOf(a netip.Addr) netip.Prefix {
	bits := 24
	if a.Is6() && !a.Is4In6() {
		bits = 64
	}
	p, _ := a.Unmap().Prefix(bits) // the length fits the family
	return p
}

// add takes one in, and gives those that must go for it. A call whose own connection goes is not
// taken: it is gone then.
func (s *startups) add(now time.Time, u *startup) (evicted []*startup) {
	s.turn(now)
	u.since = now
	if u.conn != nil && u.conn.gone {
		u.gone = true
		return nil
	}
	src := s.source(u.addr)
	drop := func(oldest *startup) {
		s.remove(oldest, false)
		evicted = append(evicted, oldest)
	}
	for src.queue.Len() >= s.limits.StartingPerAddr {
		drop(oldestOf(src.queue))
	}
	if u.user != "" {
		for q := s.users[u.user]; q != nil && q.Len() >= s.limits.StartingPerUser; {
			drop(oldestOf(q))
		}
	}
	for s.count >= s.limits.Starting {
		drop(s.busiest.top().(*network).busiest.top().(*source).oldest())
	}
	if u.conn != nil && u.conn.gone {
		u.gone = true
		s.settle(src)
		return evicted
	}
	s.insert(src, u)
	return evicted
}

func oldestOf(q *list.List) *startup { return q.Front().Value.(*startup) }

func (s *startups) insert(src *source, u *startup) {
	s.count++
	u.source = src
	u.cost, u.window = costOfStranger, s.window
	if src.known {
		u.cost = costOfKnown
	}
	if u.conn != nil {
		if !u.conn.called {
			u.cost = 0
		}
		u.conn.called = true
		u.conn.calls = append(u.conn.calls, u)
	}
	u.inAddr = src.queue.PushBack(u)
	if u.user != "" {
		q := s.users[u.user]
		if q == nil {
			q = list.New()
			s.users[u.user] = q
		}
		u.inUser = q.PushBack(u)
	}
	src.charge(u.cost)
	src.network.charge(u.cost)
	s.settle(src)
}

// remove takes one out, and with a connection the calls on it. What came to something is taken off
// its network's account.
func (s *startups) remove(u *startup, proven bool) {
	if u.gone {
		return
	}
	u.gone = true
	s.count--
	src := u.source
	src.queue.Remove(u.inAddr)
	if u.inUser != nil {
		q := s.users[u.user]
		if q.Remove(u.inUser); q.Len() == 0 {
			delete(s.users, u.user)
		}
	}
	if u.conn != nil {
		u.conn.calls = slices.DeleteFunc(u.conn.calls, func(c *startup) bool { return c == u })
	}
	if proven {
		src.known = true
		src.refund(u.cost, s.window-u.window)
		src.network.refund(u.cost, s.window-u.window)
	}
	if !proven {
		for len(u.calls) > 0 {
			s.remove(u.calls[0], false)
		}
	}
	for _, c := range u.calls { // somebody is logged in on another call: these stand alone now
		c.conn = nil
	}
	s.settle(src)
}

// source finds an address, or makes it.
func (s *startups) source(a netip.Addr) *source {
	if src := s.sources[a]; src != nil {
		return src
	}
	prefix := networkOf(a)
	n := s.networks[prefix]
	if n == nil {
		n = &network{prefix: prefix, member: member{at: -1}}
		s.networks[prefix] = n
	}
	n.sources++
	src := &source{addr: a, network: n, queue: list.New(), member: member{at: -1}}
	s.sources[a] = src
	return src
}

// settle puts an address and its network where they belong now.
func (s *startups) settle(src *source) {
	n := src.network
	n.busiest.place(src, src.queue.Len() > 0)
	s.busiest.place(n, len(n.busiest) > 0)
	switch waits := src.queue.Len() > 0; {
	case waits && src.idle != nil:
		s.idle.Remove(src.idle)
		src.idle = nil
	case !waits && src.idle == nil:
		src.idle = s.idle.PushBack(src)
		if s.idle.Len() > maxSources {
			s.forget(s.idle.Front().Value.(*source))
		}
	}
}

func (s *startups) forget(src *source) {
	s.idle.Remove(src.idle)
	delete(s.sources, src.addr)
	if src.network.sources--; src.network.sources == 0 {
		delete(s.networks, src.network.prefix)
	}
}

// turn begins another window, and forgets what was charged before the last.
func (s *startups) turn(now time.Time) {
	if s.turned.IsZero() {
		s.turned = now
	}
	past := int(now.Sub(s.turned) / s.limits.Handshake)
	if past <= 0 {
		return
	}
	s.window += past
	s.turned = s.turned.Add(time.Duration(past) * s.limits.Handshake)
	for _, src := range s.sources {
		src.turn(past)
	}
	for _, n := range s.networks {
		n.turn(past)
		heap.Init(&n.busiest)
	}
	heap.Init(&s.busiest)
}

func (src *source) oldest() *startup { return oldestOf(src.queue) }

func (src *source) self() *member { return &src.member }

// oldest is about the oldest of a network: that which would go first.
func (n *network) oldest() *startup { return n.busiest.top().oldest() }

func (n *network) self() *member { return &n.member }

// member is what address and network have in common.
type member struct {
	costs [2]int // of this window and of the last
	at    int    // its place in its group, -1: it is in none
}

func (m *member) charge(cost int) { m.costs[0] += cost }

// refund takes back what was charged so many windows ago.
func (m *member) refund(cost, ago int) {
	if ago < len(m.costs) {
		m.costs[ago] -= cost
	}
}

func (m *member) turn(past int) {
	if past == 1 {
		m.costs[1] = m.costs[0]
	} else {
		m.costs[1] = 0
	}
	m.costs[0] = 0
}

// queued is an address, or a network, with a startup.
type queued interface {
	self() *member
	oldest() *startup
}

// group is a heap: on top is the busiest, and among equals the one whose oldest startup is older.
type group []queued

func (g group) top() queued { return g[0] }

func (g group) Len() int { return len(g) }

func (g group) Less(i, j int) bool {
	a, b := g[i].self().costs, g[j].self().costs
	if x, y := a[0]+a[1], b[0]+b[1]; x != y {
		return x > y
	}
	return g[i].oldest().since.Before(g[j].oldest().since)
}

func (g group) Swap(i, j int) {
	g[i], g[j] = g[j], g[i]
	g[i].self().at, g[j].self().at = i, j
}

// Push is for package heap.
func (g *group) Push(q any) {
	q.(queued).self().at = len(*g)
	*g = append(*g, q.(queued))
}

// Pop is for package heap.
func (g *group) Pop() any {
	last := len(*g) - 1
	q := (*g)[last]
	(*g)[last] = nil
	*g = (*g)[:last]
	q.self().at = -1
	return q
}

// place brings one to where it belongs in the group, or out of it.
func (g *group) place(q queued, in bool) {
	switch at := q.self().at; {
	case in && at < 0:
		heap.Push(g, q)
	case in:
		heap.Fix(g, at)
	case at >= 0:
		heap.Remove(g, at)
	}
}
