package pppdhook

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEventsOfALink: what is told of a link that comes and goes while a hook still runs.
func TestEventsOfALink(t *testing.T) {
	moved := of(example, func(l *Link) { l.Local = address("10.99.0.7") })
	for name, test := range map[string]struct {
		happens  func(e *Events)
		up, down int // how often each hook runs besides the first, which hangs
	}{
		"goes":               {func(e *Events) { e.Down(Traffic{}) }, 0, 1},
		"goes twice":         {func(e *Events) { e.Down(Traffic{}); e.Down(Traffic{}) }, 0, 1},
		"is the same":        {func(e *Events) { e.Up(example, Traffic{}) }, 0, 0},
		"has other servers":  {func(e *Events) { e.Up(of(example, func(l *Link) { l.DNS = []netip.Addr{} }), Traffic{}) }, 1, 1},
		"moves":              {func(e *Events) { e.Up(moved, Traffic{}) }, 1, 1},
		"flaps":              {func(e *Events) { flap(e, 1000) }, 0, 1},
		"flaps and is there": {func(e *Events) { flap(e, 1000); e.Up(example, Traffic{}) }, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, dir, _ := runner(t, Limits{}, "hangs", "hook-up", "hook-down")
			up, down := filepath.Join(dir, "hook-up"), filepath.Join(dir, "hook-down")
			r.programs = Programs{IPUp: up, IPDown: down}
			e := r.Link()
			e.running = true // as if a hook ran
			e.isUp, e.link = true, example
			test.happens(e)
			require.LessOrEqual(t, len(e.pending), 2, "nothing grows with what a peer does")
			r.working.Add(1)
			e.work()
			r.Close(longest)
			assert.Len(t, runs(t, dir, "up"), test.up)
			assert.Len(t, runs(t, dir, "down"), test.down)
		})
	}
}

func flap(e *Events, times int) {
	for range times {
		e.Down(Traffic{})
		e.Up(example, Traffic{})
	}
	e.Down(Traffic{})
}

// begun waits until there is nothing that nobody has been told yet.
func begun(t *testing.T, e *Events) {
	t.Helper()
	require.Eventually(t, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return len(e.pending) == 0
	}, longest, time.Millisecond)
}

// TestEventsComeInOrder: the end of a link is told after its beginning has been, to the end.
func TestEventsComeInOrder(t *testing.T) {
	r, dir, log := runner(t, Limits{}, "slow", "hook-down")
	r.programs = Programs{IPUp: filepath.Join(dir, "slow"), IPDown: filepath.Join(dir, "hook-down")}
	e := r.Link()
	e.Up(example, Traffic{})
	begun(t, e)
	e.Down(Traffic{Sent: 5})
	r.Close(longest)
	assert.Empty(t, log.String())
	all := runs(t, dir, "down")
	require.Len(t, all, 1)
	assert.Len(t, all[0].Before, 1)
	assert.Contains(t, all[0].Env, "BYTES_SENT=5")
}
