package tunnel

import (
	"container/list"
	"context"
	"log/slog"
	"sync"
	"time"
)

// Whoever can reach the server can cause lines in its log. All lines that peers without a user
// cause have one budget together; each user, who is known by then, has one of his own.
const (
	strangerLines    = 200 // at once
	strangerInterval = time.Second
	userLines        = 500
	userInterval     = 200 * time.Millisecond
	// maxUserBudgets bounds their number: those without a line for longest begin anew.
	maxUserBudgets = 4096
	// leftOutInterval is how often the log says how many lines were left out.
	leftOutInterval = time.Minute
)

// lineBudget is how many lines somebody may cause: so many at once, and another one every interval.
type lineBudget struct {
	burst    int
	interval time.Duration
	lines    int       // that may be logged at once now
	since    time.Time // when lines was last raised; zero before the first
	leftOut  uint64    // since the log has said so last
	muted    bool      // the log has said that lines are left out
}

// take takes a line, false if there is none. warn is true for the first that is left out after a
// quiet time.
func (b *lineBudget) take(now time.Time) (ok, warn bool) {
	if b.since.IsZero() {
		b.lines, b.since = b.burst, now
	}
	if n := now.Sub(b.since) / b.interval; n > 0 {
		b.lines = int(min(time.Duration(b.burst), time.Duration(b.lines)+n))
		b.since = b.since.Add(n * b.interval)
		b.muted = b.muted && b.lines < b.burst/2
	}
	if b.lines == 0 {
		warn = !b.muted
		b.muted = true
		b.leftOut++
		return false, warn
	}
	b.lines--
	return true, false
}

// logBudgets are those of a server.
type logBudgets struct {
	log *slog.Logger // without a budget
	now func() time.Time

	mu        sync.Mutex
	strangers lineBudget
	users     map[string]*list.Element // of *userBudget
	recent    *list.List               // the one without a line for longest first
}

type userBudget struct {
	lineBudget
	user string
}

func newLogBudgets(log *slog.Logger, now func() time.Time) *logBudgets {
	return &logBudgets{
		log: log, now: now, strangers: lineBudget{burst: strangerLines, interval: strangerInterval},
		users: make(map[string]*list.Element), recent: list.New(),
	}
}

// logger gives a logger for lines that a peer causes; user says who that is at the moment, empty
// for a stranger.
func (b *logBudgets) logger(user func() string) *slog.Logger {
	return slog.New(budgetHandler{b.log.Handler(), b, user})
}

// stranger is the logger for lines about peers that have no user.
func (b *logBudgets) stranger() *slog.Logger { return b.logger(func() string { return "" }) }

func (b *logBudgets) take(user string) bool {
	b.mu.Lock()
	budget := &b.strangers
	if user != "" {
		budget = b.of(user)
	}
	ok, warn := budget.take(b.now())
	b.mu.Unlock()
	switch {
	case warn && user == "":
		b.log.Warn("peers without a user cause many lines: for a while, lines about them are left out")
	case warn:
		b.log.Warn("a user causes many lines: for a while, lines about that user are left out", "user", user)
	}
	return ok
}

func (b *logBudgets) of(user string) *lineBudget {
	e := b.users[user]
	if e == nil {
		if len(b.users) >= maxUserBudgets {
			oldest := b.recent.Front()
			delete(b.users, b.recent.Remove(oldest).(*userBudget).user)
		}
		e = b.recent.PushBack(&userBudget{lineBudget{burst: userLines, interval: userInterval}, user})
		b.users[user] = e
	}
	b.recent.MoveToBack(e)
	return &e.Value.(*userBudget).lineBudget
}

// report says how many lines were left out since it last said so.
func (b *logBudgets) report() {
	b.mu.Lock()
	strangers := b.strangers.leftOut
	b.strangers.leftOut = 0
	users := make(map[string]uint64)
	for e := b.recent.Front(); e != nil; e = e.Next() {
		if u := e.Value.(*userBudget); u.leftOut > 0 {
			users[u.user], u.leftOut = u.leftOut, 0
		}
	}
	b.mu.Unlock()
	if strangers > 0 {
		b.log.Warn("lines about peers without a user were left out", "lines", strangers)
	}
	for user, n := range users {
		b.log.Warn("lines about a user were left out", "user", user, "lines", n)
	}
}

// run reports now and then until ctx ends, and a last time then.
func (b *logBudgets) run(ctx context.Context) {
	tick := time.NewTicker(leftOutInterval)
	defer tick.Stop()
	defer b.report()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.report()
		}
	}
}

// budgetHandler logs what its user's budget allows, and the rest at the level of debugging.
type budgetHandler struct {
	slog.Handler
	budgets *logBudgets
	user    func() string
}

func (h budgetHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level > slog.LevelDebug && !h.budgets.take(h.user()) {
		if !h.Enabled(ctx, slog.LevelDebug) {
			return nil
		}
		r.Level = slog.LevelDebug
	}
	return h.Handler.Handle(ctx, r)
}

func (h budgetHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

func (h budgetHandler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
