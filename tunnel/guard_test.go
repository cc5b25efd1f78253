package tunnel

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	alice = netip.MustParseAddr("192.0.2.10")
	bob   = netip.MustParseAddr("192.0.2.11")
)

// door is a guard with hand-set time, and a book of who was evicted.
type door struct {
	t *testing.T
	*guard
	now     time.Time
	evicted []string
}

func newDoor(t *testing.T, limits GuardLimits) *door {
	return &door{t: t, guard: newGuard(limits), now: time.Unix(1000, 0)}
}

func (d *door) knock(from, name string) *startup {
	return d.admit(d.now, netip.MustParseAddr(from), "", func() { d.evicted = append(d.evicted, name) })
}

func (d *door) call(conn *startup, name string) *startup {
	return d.admitCall(d.now, conn.addr, conn, func() { d.evicted = append(d.evicted, name) })
}

func (d *door) logIn(user string, units ...*startup) {
	d.proven(d.now, units[0].addr, user, units...)
}

func (d *door) pass(t time.Duration) { d.now = d.now.Add(t) }

// gone gives who was evicted since it was last asked.
func (d *door) gone() []string {
	defer func() { d.evicted = nil }()
	d.check()
	return d.evicted
}

// check demands that the startups' books agree with each other.
func (d *door) check() {
	d.t.Helper()
	s := &d.guard.startups
	queued, known := 0, 0
	for a, src := range s.sources {
		require.Equal(d.t, a, src.addr)
		queued += src.queue.Len()
		require.Equal(d.t, src.queue.Len() > 0, src.at >= 0)
		require.Equal(d.t, src.queue.Len() == 0, src.idle != nil)
		require.LessOrEqual(d.t, src.queue.Len(), s.limits.StartingPerAddr)
		require.GreaterOrEqual(d.t, src.costs[0], 0)
		require.GreaterOrEqual(d.t, src.costs[1], 0)
	}
	for p, n := range s.networks {
		require.Equal(d.t, p, n.prefix)
		require.Equal(d.t, len(n.busiest) > 0, n.at >= 0)
		known += n.sources
		total := 0
		for i, q := range n.busiest {
			require.Equal(d.t, i, q.self().at)
			require.False(d.t, i > 0 && n.busiest.Less(i, (i-1)/2), "a heap")
			total += q.(*source).queue.Len()
		}
		require.GreaterOrEqual(d.t, n.costs[0], 0)
	}
	for i, q := range s.busiest {
		require.Equal(d.t, i, q.self().at)
		require.False(d.t, i > 0 && s.busiest.Less(i, (i-1)/2), "a heap")
	}
	require.Equal(d.t, s.count, queued)
	require.Equal(d.t, len(s.sources), known)
	require.LessOrEqual(d.t, s.count, s.limits.Starting)
	require.LessOrEqual(d.t, s.idle.Len(), maxSources)
}

func TestStartupsOfAnAddressAreBounded(t *testing.T) {
	d := newDoor(t, GuardLimits{Starting: 100, StartingPerAddr: 3})
	d.knock("192.0.2.1", "first")
	d.pass(time.Second)
	d.knock("192.0.2.1", "second")
	d.knock("192.0.2.2", "other")
	d.knock("192.0.2.1", "third")
	require.Empty(t, d.gone())
	d.knock("192.0.2.1", "fourth")
	require.Equal(t, []string{"first"}, d.gone(), "the address's own oldest goes, and no newcomer")
}

func TestOldestOfBusiestNetworkGoes(t *testing.T) {
	d := newDoor(t, GuardLimits{Starting: 6, StartingPerAddr: 4})
	d.knock("198.51.100.1", "quiet")
	d.pass(time.Second)
	d.knock("192.0.2.1", "busy one")
	d.pass(time.Second)
	d.knock("192.0.2.2", "busy two")
	d.pass(time.Second)
	d.knock("192.0.2.3", "busy three")
	d.knock("203.0.113.1", "quiet too")
	d.knock("203.0.113.1", "quiet too, again")
	require.Empty(t, d.gone())
	d.knock("198.51.100.2", "newcomer")
	require.Equal(t, []string{"busy one"}, d.gone())
	d.knock("192.0.2.2", "of the busiest network itself")
	require.Equal(t, []string{"busy two"}, d.gone(), "of the address that had cost as much as the others, and is the oldest")
}

// TestBusyIsWhoComesToNothing: what an address has cost lately counts, not what it holds now, and a
// login is no cost.
func TestBusyIsWhoComesToNothing(t *testing.T) {
	d := newDoor(t, GuardLimits{Starting: 3, StartingPerAddr: 3, Handshake: time.Minute})
	for range 5 {
		u := d.knock("198.51.100.1", "user")
		d.logIn("alice", u, d.call(u, "call"))
		d.pass(time.Millisecond)
		d.release(d.knock("192.0.2.1", "stranger")) // gone before it is evicted
	}
	d.knock("198.51.100.1", "user")
	d.pass(time.Second)
	d.knock("192.0.2.1", "stranger")
	d.knock("203.0.113.1", "other")
	d.knock("203.0.113.2", "newcomer")
	require.Equal(t, []string{"stranger"}, d.gone(), "the younger one, of an address that never logs in")

	// It is forgotten in time.
	d.pass(3 * time.Minute)
	d.knock("192.0.2.1", "stranger")
	require.Equal(t, []string{"user"}, d.gone(), "all are equal now, and this is the oldest")
}

func TestEvictedConnectionTakesItsCalls(t *testing.T) {
	d := newDoor(t, GuardLimits{Starting: 4, StartingPerAddr: 4})
	conn := d.knock("192.0.2.1", "connection")
	for i := range 3 {
		require.NotNil(t, d.call(conn, fmt.Sprint("call ", i)))
	}
	d.knock("198.51.100.1", "newcomer")
	require.Equal(t, []string{"connection"}, d.gone(), "whose calls end with it")
	require.Equal(t, 1, d.starting())
	require.Nil(t, d.call(conn, "call 4"), "it is gone")

	// A connection that asks for more calls than there is room for goes itself.
	greedy := d.knock("192.0.2.1", "greedy")
	for range 3 {
		d.call(greedy, "call")
	}
	require.Nil(t, d.call(greedy, "one more"))
	require.Equal(t, []string{"greedy"}, d.gone())
	require.Equal(t, 1, d.starting())
	d.release(greedy)
	d.release(nil)
	require.Equal(t, 1, d.starting(), "released once")
}

// TestCallsOfALoggedInConnection: calls beside that of a user stand alone.
func TestCallsOfALoggedInConnection(t *testing.T) {
	d := newDoor(t, GuardLimits{Starting: 3, StartingPerAddr: 3})
	conn := d.knock("192.0.2.1", "connection")
	first := d.call(conn, "first")
	second := d.call(conn, "second")
	d.logIn("alice", conn, first)
	require.Equal(t, 1, d.starting())
	third := d.admitCall(d.now, conn.addr, nil, func() { d.evicted = append(d.evicted, "third") })
	d.knock("192.0.2.1", "another")
	d.knock("192.0.2.1", "and another")
	require.Equal(t, []string{"second"}, d.gone())
	d.release(second)
	d.release(third)
	require.Equal(t, 2, d.starting())
}

func TestStartupsOfAUserAreBounded(t *testing.T) {
	for _, most := range []int{1, 2} {
		d := newDoor(t, GuardLimits{StartingPerUser: most})
		for i := range 5 {
			a := netip.AddrFrom4([4]byte{10, 0, byte(i), 1})
			d.admit(d.now, a, "alice", func() { d.evicted = append(d.evicted, fmt.Sprint(i)) })
			d.admit(d.now, a, fmt.Sprint("user ", i), func() { d.evicted = append(d.evicted, "of another") })
		}
		require.Equal(t, []string{"0", "1", "2", "3", "4"}[:5-most], d.gone(), "wherever they come from")
	}
}

// FuzzGuard: whatever happens in whatever order, the books agree, a newcomer gets in, and nothing
// is left at the end.
func FuzzGuard(f *testing.F) {
	for seed := range 8 {
		steps := make([]byte, 600)
		_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(steps)
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		d := newDoor(t, GuardLimits{Starting: 24, StartingPerAddr: 6, StartingPerUser: 2, Handshake: time.Minute, Failures: 3, FailuresPerAddr: 7})
		steps = steps[:min(len(steps), 900)]
		var conns, all []*startup
		online := map[netip.Addr][]string{}
		some := func(list []*startup, n byte) *startup { return list[int(n)%len(list)] }
		for i := 0; i+2 < len(steps); i += 3 {
			what, who, n := steps[i], steps[i+1], steps[i+2]
			d.pass(time.Duration(what>>4) * 100 * time.Millisecond)
			a := netip.AddrFrom4([4]byte{10, 0, who & 7, who >> 3 & 3})
			user := fmt.Sprint("user ", n&7)
			switch what & 7 {
			case 0, 1:
				if what&8 == 0 {
					user = ""
				}
				u := d.admit(d.now, a, user, func() {})
				require.NotNil(t, u, "a newcomer is always let in")
				require.False(t, u.gone)
				conns, all = append(conns, u), append(all, u)
			case 2, 3:
				if len(conns) > 0 {
					conn := some(conns, n)
					if u := d.admitCall(d.now, conn.addr, conn, func() {}); u != nil {
						all = append(all, u)
					}
				}
			case 4:
				if len(all) > 0 {
					d.release(some(all, n))
				}
			case 5:
				if len(all) > 0 {
					u := some(all, n)
					d.proven(d.now, u.addr, user, u, u.conn)
					online[u.addr] = append(online[u.addr], user)
				}
			case 6:
				if users := online[a]; len(users) > 0 {
					d.left(d.now, a, users[0])
					online[a] = users[1:]
				}
			default:
				barred := d.barred(d.now, a, user) > 0
				for _, b := range d.failed(d.now, a, user) {
					require.True(t, b.until.After(d.now))
					require.True(t, b.user == "" || d.barred(d.now, a, user) > 0)
				}
				require.True(t, !barred || d.barred(d.now, a, user) > 0, "a failure opens nothing")
			}
			if d.closedTo(d.now, a) {
				require.Empty(t, online[a], "nobody is shut out where somebody is logged in")
			}
			if i%16 == 0 {
				d.check() // which takes far longer than a step
			}
		}
		for _, b := range d.bans.origins {
			require.LessOrEqual(t, len(b.users), maxOriginUsers)
		}
		d.pass(time.Hour)
		for _, u := range all {
			d.release(u)
		}
		d.check()
		require.Zero(t, d.starting())
		require.Empty(t, d.guard.startups.users)
		require.Empty(t, d.guard.startups.busiest)
	})
}

func TestGuardMemoryIsBounded(t *testing.T) {
	d := newDoor(t, GuardLimits{})
	for i := range maxSources + 1000 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		d.release(d.admit(d.now, a, "", func() {}))
		d.failed(d.now, a, fmt.Sprint("user ", i))
		d.pass(time.Millisecond)
	}
	d.check()
	require.Len(t, d.guard.startups.sources, maxSources)
	require.Len(t, d.guard.bans.origins, maxOrigins)
	require.NotContains(t, d.guard.bans.origins, netip.AddrFrom4([4]byte{10, 0, 0, 0}), "the oldest goes first")
	for i := range 1000 {
		d.failed(d.now, alice, fmt.Sprint("user ", i))
	}
	require.Len(t, d.guard.bans.origins[alice].users, maxOriginUsers)
	require.Equal(t, maxBannedName, len(bannedName(string(make([]byte, 255)))))
}

func TestGuardLimitsValidate(t *testing.T) {
	require.NoError(t, GuardLimits{}.withDefaults().validate())
	require.NoError(t, GuardLimits{Starting: 2, Penalty: -1}.withDefaults().validate())
	for want, l := range map[string]GuardLimits{
		"a login is two":        {Starting: 1, StartingPerAddr: 2},
		"1 from one address":    {StartingPerAddr: 1},
		"-1 startups of a user": {StartingPerUser: -1},
		"no less than the":      {Failures: 7, FailuresPerAddr: 6},
		"-1 failures":           {Failures: -1},
		"must be positive":      {Handshake: -1},
	} {
		require.ErrorContains(t, l.withDefaults().validate(), want)
	}
}

func BenchmarkGuardFull(b *testing.B) {
	g := newGuard(GuardLimits{})
	now := time.Unix(1000, 0)
	for i := 0; b.Loop(); i++ {
		g.admit(now.Add(time.Duration(i)), netip.AddrFrom4([4]byte{10, byte(i), byte(i >> 3), byte(i >> 11)}), "", func() {})
	}
}

func TestWrongPasswordsBanUserAndAddress(t *testing.T) {
	d := newDoor(t, GuardLimits{Failures: 3, FailuresPerAddr: 9, Penalty: time.Minute})
	require.Empty(t, d.failed(d.now, alice, "bob"))
	require.Empty(t, d.failed(d.now, alice, `OFFICE\bob`))
	bans := d.failed(d.now, alice, "bob")
	require.Len(t, bans, 1)
	assert.Equal(t, ban{addr: alice, user: "bob", failures: 3, since: d.now, until: d.now.Add(time.Minute)}, bans[0])
	assert.Equal(t, time.Minute, d.barred(d.now, alice, "bob"))
	assert.Equal(t, time.Minute, d.barred(d.now, alice, `HOME\bob`))
	assert.Zero(t, d.barred(d.now, alice, "alice"), "another user behind the same NAT")
	assert.Zero(t, d.barred(d.now, bob, "bob"), "the same user elsewhere")
	assert.False(t, d.closedTo(d.now, alice))
	d.pass(time.Minute)
	assert.Zero(t, d.barred(d.now, alice, "bob"))
	list, more := d.banned(d.now)
	assert.Empty(t, list)
	assert.Zero(t, more)
}

func TestSprayingBansTheAddress(t *testing.T) {
	d := newDoor(t, GuardLimits{Failures: 3, FailuresPerAddr: 5, Penalty: time.Minute})
	for i := range 4 {
		require.Empty(t, d.failed(d.now, alice, fmt.Sprint("user ", i)))
	}
	bans := d.failed(d.now, alice, "user 4")
	require.Len(t, bans, 1)
	assert.Equal(t, "5 failed logins from this address", bans[0].why())
	assert.True(t, d.closedTo(d.now, alice))
	assert.False(t, d.closedTo(d.now, bob))
	d.pass(time.Minute)
	assert.False(t, d.closedTo(d.now, alice))
}

// TestSprayingFromAnAddressWithUsers: who is logged in from there, or was of late, still may;
// nobody else.
func TestSprayingFromAnAddressWithUsers(t *testing.T) {
	d := newDoor(t, GuardLimits{Failures: 3, FailuresPerAddr: 5, Penalty: time.Minute})
	d.proven(d.now, alice, "alice")
	d.proven(d.now, alice, "bob")
	d.left(d.now, alice, "bob")
	for i := range 5 {
		d.failed(d.now, alice, fmt.Sprint("user ", i))
		d.proven(d.now, alice, "alice") // a good login in between forgives nothing of it
	}
	assert.False(t, d.closedTo(d.now, alice))
	assert.Zero(t, d.barred(d.now, alice, "alice"))
	assert.Zero(t, d.barred(d.now, alice, "bob"))
	assert.Equal(t, time.Minute, d.barred(d.now, alice, "carol"))
	assert.Equal(t, time.Minute, d.barred(d.now, alice, "user 1"))
	assert.Zero(t, d.barred(d.now, bob, "carol"))
}

func TestBansGrow(t *testing.T) {
	d := newDoor(t, GuardLimits{Failures: 1, FailuresPerAddr: 1000, Penalty: time.Minute})
	var lengths []time.Duration
	for range 9 {
		b := d.failed(d.now, alice, "bob")
		require.Len(t, b, 1)
		lengths = append(lengths, b[0].until.Sub(b[0].since))
		d.pass(lengths[len(lengths)-1])
	}
	assert.Equal(t, []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}, minutes(lengths))
	d.pass(longestPenalty + time.Second)
	assert.Equal(t, []time.Duration{1}, minutes([]time.Duration{d.failed(d.now, alice, "bob")[0].until.Sub(d.now)}), "forgotten in time")
	d.pass(time.Minute)
	d.proven(d.now, alice, "bob")
	assert.Equal(t, []time.Duration{1}, minutes([]time.Duration{d.failed(d.now, alice, "bob")[0].until.Sub(d.now)}), "and forgiven by a login")
}

func minutes(all []time.Duration) []time.Duration {
	var list []time.Duration
	for _, d := range all {
		list = append(list, d/time.Minute)
	}
	return list
}

func TestFailuresAreForgotten(t *testing.T) {
	d := newDoor(t, GuardLimits{Failures: 2, FailuresPerAddr: 100, Penalty: time.Minute})
	for range 10 {
		require.Empty(t, d.failed(d.now, alice, "bob"))
		d.pass(61 * time.Second)
	}
	d.failed(d.now, alice, "bob")
	d.proven(d.now, alice, "bob")
	require.Empty(t, d.failed(d.now, alice, "bob"))
	off := newDoor(t, GuardLimits{Failures: 1, FailuresPerAddr: 1, Penalty: -1})
	require.Empty(t, off.failed(off.now, alice, "bob"), "bans are off")
	require.Zero(t, off.barred(off.now, alice, "bob"))
}

func TestBansAreListed(t *testing.T) {
	d := newDoor(t, GuardLimits{Failures: 1, FailuresPerAddr: 1})
	for i := range 130 {
		d.failed(d.now, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), "bob")
		d.pass(time.Millisecond)
	}
	list, more := d.banned(d.now)
	require.Len(t, list, maxBansListed)
	assert.Equal(t, 160, more)
	assert.Equal(t, "10.0.0.129", list[0].addr.String(), "the last to end first")
}
