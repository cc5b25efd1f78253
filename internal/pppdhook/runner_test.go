package pppdhook

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// record is a log that can be read while it is written.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// longest is what tests wait for a hook, which takes a moment.
const longest = time.Minute

// runner gives one whose log can be read, and what its hooks have in their folder.
func runner(t *testing.T, limits Limits, names ...string) (r *Runner, dir string, log *record) {
	t.Helper()
	log = new(record)
	return New(Programs{}, limits, slog.New(slog.NewTextHandler(log, nil))), folder(t, names...), log
}

// TestHookIsStartedAsByPPPD: what the process really finds, from the arguments to the descriptors.
func TestHookIsStartedAsByPPPD(t *testing.T) {
	t.Setenv("ARC4_PASSWORD", "wonderland") // which no hook may see
	r, dir, log := runner(t, Limits{}, "hook-up", "hook-up6", "hook-down", "hook-down6", "hook-pre")
	in := func(name string) string { return filepath.Join(dir, name) }
	r.programs = Programs{IPPreUp: in("hook-pre"), IPUp: in("hook-up"), IPDown: in("hook-down"), IPv6Up: in("hook-up6"), IPv6Down: in("hook-down6"), IPParam: "my vpn; reboot"}
	e := r.Link()
	e.PreUp(t.Context(), example)
	require.Len(t, runs(t, dir, "pre"), 1, "which is waited for")
	e.Up(example, Traffic{})
	begun(t, e)
	gone := Traffic{Connected: 3 * time.Second, Sent: 1, Received: 2}
	e.Down(gone)
	r.Close(longest)
	assert.Empty(t, log.String())

	for name, test := range map[string]struct {
		ipv6 bool
		gone *Traffic
	}{"up": {}, "up6": {ipv6: true}, "down": {gone: &gone}, "down6": {ipv6: true, gone: &gone}, "pre": {}} {
		all := runs(t, dir, name)
		require.Len(t, all, 1, name)
		s := all[0]
		assert.Equal(t, example.arguments(in("hook-"+name), test.ipv6, "my vpn; reboot"), s.Args)
		assert.Equal(t, example.environment(test.gone), s.Env, "and nothing else")
		assert.Equal(t, "/", s.Folder)
		assert.Equal(t, [3]string{os.DevNull, os.DevNull, os.DevNull}, s.Files)
	}
}

// TestHookOfIPv6Alone: without an IPv6 address nobody is told of one.
func TestHookOfIPv6Alone(t *testing.T) {
	r, dir, log := runner(t, Limits{}, "hook-up6")
	r.programs.IPv6Up = filepath.Join(dir, "hook-up6")
	r.Link().Up(of(example, func(l *Link) { l.LocalIPv6 = netip.Addr{} }), Traffic{})
	r.Close(longest)
	assert.Empty(t, runs(t, dir, "up6"))
	assert.Empty(t, log.String())
}

// TestHookThatHangsIsKilled, by its own time or because the program ends, and others still run.
func TestHookThatHangsIsKilled(t *testing.T) {
	for name, test := range map[string]struct {
		limits Limits
		wait   time.Duration
		want   []string
	}{
		"too long":         {Limits{Longest: time.Millisecond}, longest, []string{"a hook is killed", "it took longer than 1ms"}},
		"the program ends": {Limits{}, time.Millisecond, []string{"this program ends"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, dir, log := runner(t, test.limits, "hangs")
			r.programs.IPUp = filepath.Join(dir, "hangs")
			r.Link().Up(example, Traffic{})
			r.Close(test.wait)
			for _, want := range test.want {
				assert.Contains(t, log.String(), want)
			}
		})
	}
}

// TestHookThatHangsHoldsNobodyElseUp: IPPreUp has a bound of its own, and places are given back.
func TestHookThatHangsHoldsNobodyElseUp(t *testing.T) {
	r, dir, log := runner(t, Limits{AtOnce: 1, PreUp: time.Millisecond}, "hangs", "hook-up")
	r.programs.IPPreUp, r.programs.IPUp = filepath.Join(dir, "hangs"), filepath.Join(dir, "hook-up")
	e := r.Link()
	e.PreUp(t.Context(), example)
	e.Up(example, Traffic{})
	r.Close(longest)
	assert.Contains(t, log.String(), "a hook is killed")
	assert.Len(t, runs(t, dir, "up"), 1)
}

// TestHooksThatHangHoldNoLinkUp: a link whose program gets no turn goes on without it.
func TestHooksThatHangHoldNoLinkUp(t *testing.T) {
	r, dir, log := runner(t, Limits{AtOnce: 1, PreUp: time.Millisecond}, "hook-pre")
	r.programs.IPPreUp = filepath.Join(dir, "hook-pre")
	r.places <- struct{}{} // as if another's program ran
	r.Link().PreUp(t.Context(), example)
	assert.Empty(t, runs(t, dir, "pre"))
	assert.Contains(t, log.String(), "a hook is left out: others still run")
	assert.Contains(t, log.String(), "the link waited longer than 1ms")
}

// TestHookFailures are told, and change nothing.
func TestHookFailures(t *testing.T) {
	for name, want := range map[string]string{"fails": "exit status 3", "nobody": "a hook cannot be run"} {
		r, dir, log := runner(t, Limits{}, "fails", "hook-down")
		r.programs.IPUp, r.programs.IPDown = filepath.Join(dir, name), filepath.Join(dir, "hook-down")
		e := r.Link()
		e.Up(example, Traffic{})
		begun(t, e)
		e.Down(Traffic{})
		e.Down(Traffic{})
		r.Close(longest)
		assert.Contains(t, log.String(), want)
	}
}

// TestNoMoreHooksAtOnceThanAllowed, however many links come up together: with one place that is
// never given back the others wait, until the program ends and leaves them out.
func TestNoMoreHooksAtOnceThanAllowed(t *testing.T) {
	r, dir, log := runner(t, Limits{AtOnce: 1}, "hangs")
	r.programs.IPUp = filepath.Join(dir, "hangs")
	for range 20 {
		r.Link().Up(example, Traffic{})
	}
	require.Eventually(t, func() bool { return len(runs(t, dir, "hangs")) == 1 }, longest, time.Millisecond)
	r.Close(time.Millisecond)
	assert.Len(t, runs(t, dir, "hangs"), 1)
	assert.Equal(t, 19, bytes.Count([]byte(log.String()), []byte("a hook is left out")))
}
