package tunnel

import (
	"cmp"
	"container/list"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// Bounds of what is remembered of failed logins: addresses (past it those longest without news are
// forgotten, unless somebody is logged in from there), users of one address without a session,
// their names, and the bans that status lists.
const (
	maxOrigins     = 4096
	maxOriginUsers = 32
	maxBannedName  = 64 // bytes
	maxBansListed  = 100
)

// longestPenalty bounds the doubling of bans.
const longestPenalty = time.Hour

// bans counts failed logins by user and address.
//
// A user who fails too often from one address is banned there, and nobody else: others behind the
// same NAT log in as ever. Somebody who tries one user after the other fails the whole address. If
// nobody is logged in from there, its control connections are refused. If somebody is, they are
// not: the users who have logged in from there still may, and any other is refused whatever the
// password. A login forgives the failures of its own user and not those of the address, or one good
// account would do to guess at all others for ever. What is refused unseen is no failure, so that a
// client which goes on trying does not prolong its ban.
type bans struct {
	limits  GuardLimits
	origins map[netip.Addr]*origin
	recent  *list.List // of *origin, the longest without news first
}

// origin is an address that logins come from.
type origin struct {
	addr   netip.Addr
	run    failureRun
	users  map[string]*originUser
	online int // sessions with a user
	recent *list.Element
}

type originUser struct {
	run    failureRun
	proved time.Time // when this user's password was right last
	online int
}

// failureRun is a run of failures with no long pause in it, and the bans that came of them.
type failureRun struct {
	count int
	last  time.Time
	until time.Time
	since time.Time // of the ban
	bans  int       // one after the other
}

// ban is a ban as it is reported.
type ban struct {
	addr     netip.Addr
	user     string // empty: the whole address
	failures int
	since    time.Time
	until    time.Time
}

func (b ban) why() string {
	if b.user == "" {
		return fmt.Sprintf("%d failed logins from this address", b.failures)
	}
	return fmt.Sprintf("%d failed logins of this user from this address", b.failures)
}

func newBans(limits GuardLimits) bans {
	return bans{limits: limits, origins: make(map[netip.Addr]*origin), recent: list.New()}
}

// failed counts one failure, and gives the bans that follow.
func (b *bans) failed(now time.Time, a netip.Addr, user string) (follow []ban) {
	if b.limits.Penalty < 0 {
		return nil
	}
	name := bannedName(user)
	o := b.origin(a)
	u := o.user(name, now, b.limits.Penalty)
	if u.run.fail(now, b.limits.Failures, b.limits.Penalty) {
		follow = append(follow, u.run.report(a, name, b.limits.Failures))
	}
	if o.run.fail(now, b.limits.FailuresPerAddr, b.limits.Penalty) {
		follow = append(follow, o.run.report(a, "", b.limits.FailuresPerAddr))
	}
	return follow
}

// bannedName is the name that failures are counted under: a domain in front makes no other user,
// and what follows after a name that nobody has is not kept.
func bannedName(user string) string {
	name := mschap.UserName(user)
	return name[:min(len(name), maxBannedName)]
}

// fail counts, and begins a ban when there have been most of them.
func (f *failureRun) fail(now time.Time, most int, penalty time.Duration) (banned bool) {
	if now.Sub(f.last) > max(penalty, f.until.Sub(f.since)) {
		f.count = 0
		if now.Sub(f.until) > longestPenalty {
			f.bans = 0
		}
	}
	f.count++
	f.last = now
	if f.count < most {
		return false
	}
	length := longestPenalty
	if f.bans < 16 {
		length = min(penalty<<f.bans, max(penalty, longestPenalty))
	}
	f.count, f.since, f.until = 0, now, now.Add(length)
	f.bans++
	return true
}

func (f *failureRun) inForce(now time.Time) bool { return now.Before(f.until) }

func (f *failureRun) report(a netip.Addr, user string, failures int) ban {
	return ban{addr: a, user: user, failures: failures, since: f.since, until: f.until}
}

// idle reports whether nothing of it matters any more.
func (f *failureRun) idle(now time.Time, penalty time.Duration) bool {
	return now.Sub(f.last) > penalty && now.Sub(f.until) > longestPenalty
}

// succeeded notes that a user's password was right. It is called once a session; left when that
// ends.
func (b *bans) succeeded(now time.Time, a netip.Addr, user string) {
	o := b.origin(a)
	u := o.user(bannedName(user), now, b.limits.Penalty)
	u.run, u.proved = failureRun{}, now
	u.online++
	o.online++
}

func (b *bans) left(now time.Time, a netip.Addr, user string) {
	o := b.origins[a]
	if o == nil {
		return
	}
	o.online--
	if u := o.users[bannedName(user)]; u != nil {
		u.online--
		u.proved = now
	}
	b.trim()
}

// trusted reports whether a user has logged in from there of late.
func (u *originUser) trusted(now time.Time) bool {
	return u.online > 0 || !u.proved.IsZero() && now.Sub(u.proved) < longestPenalty
}

// closedTo reports whether no control connection is taken from an address.
func (b *bans) closedTo(now time.Time, a netip.Addr) bool {
	o := b.origins[a]
	if o == nil || !o.run.inForce(now) {
		return false
	}
	for _, u := range o.users {
		if u.trusted(now) {
			return false
		}
	}
	return true
}

// barred is for how long a user may not log in from an address.
func (b *bans) barred(now time.Time, a netip.Addr, user string) time.Duration {
	o := b.origins[a]
	if o == nil {
		return 0
	}
	u := o.users[bannedName(user)]
	var wait time.Duration
	if u != nil && u.run.inForce(now) {
		wait = u.run.until.Sub(now)
	}
	if o.run.inForce(now) && (u == nil || !u.trusted(now)) {
		wait = max(wait, o.run.until.Sub(now))
	}
	return wait
}

// list gives the bans that end last, and how many more there are.
func (b *bans) list(now time.Time) (all []ban, more int) {
	var found []*ban // a sort of pointers is there already, and one of structs weighs 15 KB
	add := func(r ban) { found = append(found, &r) }
	for a, o := range b.origins {
		if o.run.inForce(now) {
			add(o.run.report(a, "", b.limits.FailuresPerAddr))
		}
		for name, u := range o.users {
			if u.run.inForce(now) {
				add(u.run.report(a, name, b.limits.Failures))
			}
		}
	}
	slices.SortFunc(found, func(x, y *ban) int {
		return cmp.Or(y.until.Compare(x.until), x.addr.Compare(y.addr), cmp.Compare(x.user, y.user))
	})
	for _, r := range found[:min(len(found), maxBansListed)] {
		all = append(all, *r)
	}
	return all, len(found) - len(all)
}

// origin finds an address, or makes it, as the one with the latest news.
func (b *bans) origin(a netip.Addr) *origin {
	o := b.origins[a]
	if o == nil {
		o = &origin{addr: a, users: make(map[string]*originUser)}
		o.recent = b.recent.PushBack(o)
		b.origins[a] = o
		b.trim()
		return o
	}
	b.recent.MoveToBack(o.recent)
	return o
}

// trim forgets addresses above the bound. Those with sessions are as few as there may be sessions.
func (b *bans) trim() {
	for e := b.recent.Front(); e != nil && len(b.origins) > maxOrigins; {
		o, next := e.Value.(*origin), e.Next()
		if o.online > 0 {
			// Its turn comes again when it has ended.
			b.recent.MoveToBack(e)
			return
		}
		b.recent.Remove(e)
		delete(b.origins, o.addr)
		e = next
	}
}

// user finds a user of an address, or makes it. Above the bound the one without a session that
// failed longest ago is forgotten.
func (o *origin) user(name string, now time.Time, penalty time.Duration) *originUser {
	u := o.users[name]
	if u != nil {
		return u
	}
	if len(o.users) >= maxOriginUsers {
		o.forget(now, penalty)
	}
	u = new(originUser)
	o.users[name] = u
	return u
}

func (o *origin) forget(now time.Time, penalty time.Duration) {
	oldest, found := "", false
	for name, u := range o.users {
		switch {
		case u.online > 0:
		case u.run.idle(now, penalty) && !u.trusted(now):
			delete(o.users, name)
		case !found || u.lastNews().Before(o.users[oldest].lastNews()):
			oldest, found = name, true
		}
	}
	if found && len(o.users) >= maxOriginUsers {
		delete(o.users, oldest)
	}
}

func (u *originUser) lastNews() time.Time {
	if u.proved.After(u.run.last) {
		return u.proved
	}
	return u.run.last
}
