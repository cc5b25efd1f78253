package tunnel

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLineBudget(t *testing.T) {
	b := lineBudget{burst: strangerLines, interval: strangerInterval}
	now := time.Unix(1000, 0)
	count := func(lines int) (shown, warned int) {
		for range lines {
			ok, warn := b.take(now)
			if ok {
				shown++
			}
			if warn {
				warned++
			}
		}
		return shown, warned
	}
	shown, warned := count(10 * strangerLines)
	require.Equal(t, strangerLines, shown)
	require.Equal(t, 1, warned)
	for range 60 {
		now = now.Add(strangerInterval)
		shown, warned = count(100)
		require.Equal(t, 1, shown)
		require.Zero(t, warned, "the flood goes on, and that was said")
	}
	require.EqualValues(t, 9*strangerLines+60*99, b.leftOut)
	now = now.Add(24 * time.Hour)
	shown, warned = count(10 * strangerLines)
	require.Equal(t, strangerLines, shown)
	require.Equal(t, 1, warned, "another flood")
}

// TestLogBudgets: strangers share a budget, each user has one, and the log says how many lines are
// missing.
func TestLogBudgets(t *testing.T) {
	book := new(logbook)
	now := time.Unix(1000, 0)
	b := newLogBudgets(slog.New(slog.NewTextHandler(book, nil)), func() time.Time { return now })
	who := ""
	session := b.logger(func() string { return who }).With("call", 7)
	for range 10 * strangerLines {
		session.Info("stranger")
		b.stranger().Warn("stranger too")
		session.Debug("costs nothing")
	}
	who = "alice"
	for range 10 * userLines {
		session.Info("of alice")
	}
	who = "bob"
	session.Warn("of bob")
	b.report()
	b.report()
	text := book.String()
	assert.Equal(t, strangerLines, strings.Count(text, "msg=stranger")+strings.Count(text, `msg="stranger too"`))
	assert.Equal(t, userLines, strings.Count(text, `msg="of alice" call=7`))
	assert.Equal(t, 1, strings.Count(text, `level=WARN msg="of bob" call=7`))
	assert.Equal(t, 1, strings.Count(text, "peers without a user cause many lines"))
	assert.Equal(t, 1, strings.Count(text, "a user causes many lines"))
	assert.Equal(t, 1, strings.Count(text, fmt.Sprintf(`msg="lines about peers without a user were left out" lines=%d`, 19*strangerLines)))
	assert.Equal(t, 1, strings.Count(text, fmt.Sprintf(`msg="lines about a user were left out" user=alice lines=%d`, 9*userLines)))
	assert.NotContains(t, text, "costs nothing")

	for i := range maxUserBudgets + 100 {
		who = fmt.Sprint("user ", i)
		session.Info("x")
	}
	assert.Len(t, b.users, maxUserBudgets)
}

// TestLogBudgetsAtDebug: with debugging on nothing is missing.
func TestLogBudgetsAtDebug(t *testing.T) {
	book := new(logbook)
	b := newLogBudgets(slog.New(slog.NewTextHandler(book, &slog.HandlerOptions{Level: slog.LevelDebug})), time.Now)
	for range 2 * strangerLines {
		b.stranger().WithGroup("g").Info("line", "a", 1)
	}
	text := book.String()
	assert.Equal(t, 2*strangerLines, strings.Count(text, "msg=line g.a=1"))
	assert.InDelta(t, strangerLines, strings.Count(text, "level=DEBUG msg=line"), 5)
}
