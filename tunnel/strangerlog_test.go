package tunnel

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStrangerLogIsBounded(t *testing.T) {
	var l strangerLog
	now := time.Unix(1000, 0)
	count := func(lines int) (shown, warned int) {
		for range lines {
			level, warn := l.level(now, slog.LevelWarn)
			if level == slog.LevelWarn {
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
	now = now.Add(24 * time.Hour)
	shown, warned = count(10 * strangerLines)
	require.Equal(t, strangerLines, shown)
	require.Equal(t, 1, warned, "another flood")
}
