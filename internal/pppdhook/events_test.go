package pppdhook

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEventsOfALink: what is told of a link that comes and goes while a hook still runs.
func TestEventsOfALink(t *testing.T) {
	moved := of(example, func(l *Link) { l.Local = address("10.99.0.7") })
	no6 := of(example, func(l *Link) { l.LocalIPv6, l.RemoteIPv6 = netip.Addr{}, netip.Addr{} })
	other6 := of(example, func(l *Link) { l.RemoteIPv6 = address("fe80::3") })
	for name, test := range map[string]struct {
		begins  Link
		happens func(e *Events)
		want    string // what is told after that
	}{
		"goes":                {example, func(e *Events) { e.Down(Traffic{}) }, "down down6"},
		"goes twice":          {example, func(e *Events) { e.Down(Traffic{}); e.Down(Traffic{}) }, "down down6"},
		"is the same":         {example, func(e *Events) { e.Up(example, Traffic{}) }, ""},
		"has other servers":   {no6, func(e *Events) { e.Up(of(no6, func(l *Link) { l.DNS = nil }), Traffic{}) }, "down up"},
		"moves":               {example, func(e *Events) { e.Up(moved, Traffic{}) }, "down up"},
		"moves twice":         {example, func(e *Events) { e.Up(moved, Traffic{}); e.Up(example, Traffic{}) }, "down up down up"},
		"gets IPv6":           {no6, func(e *Events) { e.Up(example, Traffic{}) }, "up6"},
		"loses IPv6":          {example, func(e *Events) { e.Up(no6, Traffic{}) }, "down6"},
		"moves in IPv6":       {example, func(e *Events) { e.Up(other6, Traffic{}) }, "down6 up6"},
		"goes without IPv6":   {no6, func(e *Events) { e.Down(Traffic{}) }, "down"},
		"comes back":          {no6, func(e *Events) { e.Down(Traffic{}); e.Up(no6, Traffic{}) }, "down up"},
		"flaps and is gone":   {no6, func(e *Events) { flap(e, no6, 1000) }, "down"},
		"gets IPv6 and flaps": {no6, func(e *Events) { e.Up(example, Traffic{}); flap(e, example, 1000) }, "down up up6 down down6"},
		"flaps and is there":  {no6, func(e *Events) { flap(e, no6, 1000); e.Up(no6, Traffic{}) }, "down up"},
	} {
		t.Run(name, func(t *testing.T) {
			r, dir, _ := runner(t, Limits{}, "hook-up", "hook-up6", "hook-down", "hook-down6")
			in := func(name string) string { return filepath.Join(dir, name) }
			r.programs = Programs{IPUp: in("hook-up"), IPDown: in("hook-down"), IPv6Up: in("hook-up6"), IPv6Down: in("hook-down6")}
			e := r.Link()
			e.running = true // as if a hook ran
			e.isUp, e.link, e.toldUp, e.told = true, test.begins, true, test.begins
			test.happens(e)
			require.LessOrEqual(t, len(e.pending), waiting, "nothing grows with what a peer does")
			r.working.Add(1)
			e.work()
			r.Close(longest)
			assert.Equal(t, test.want, told(t, dir))
		})
	}
}

// TestEventsOfAHalfLink: IPv6 that has gone already does not go a second time.
func TestEventsOfAHalfLink(t *testing.T) {
	no6 := of(example, func(l *Link) { l.LocalIPv6, l.RemoteIPv6 = netip.Addr{}, netip.Addr{} })
	e := event{link: example, gone: &Traffic{}, six: true}
	assert.Equal(t, no6, e.after())
	e.four, e.six = true, false
	assert.Equal(t, example, e.after())
	assert.Equal(t, example, event{link: example, six: true}.after())
}

// told is which hooks ran, in order.
func told(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "run-*"))
	require.NoError(t, err)
	names := make([]string, len(files))
	for _, file := range files {
		name := strings.Split(filepath.Base(file), "-")[1]
		s := runs(t, dir, name)
		for _, one := range s {
			names[len(one.Before)] = name
		}
	}
	return strings.Join(names, " ")
}

func flap(e *Events, l Link, times int) {
	for range times {
		e.Down(Traffic{})
		e.Up(l, Traffic{})
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
