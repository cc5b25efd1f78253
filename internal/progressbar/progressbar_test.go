package progressbar

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Nothing is drawn into a pipe or a file.
func TestNoBarWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	b := New(&out, 10)
	require.Nil(t, b)
	b.Describe("something")
	b.Set(5)
	b.Grow(20)
	b.Follow(func() int64 { t.Error("nobody follows"); return 0 })()
	b.Say("a line")
	b.End()
	assert.Empty(t, out.String())
}

// A bar follows a function until it is told to stop, and not after.
func TestFollow(t *testing.T) {
	b := show(io.Discard, 10)
	defer b.End()
	followed := make(chan struct{})
	var once sync.Once
	stop := b.Follow(func() int64 {
		once.Do(func() { close(followed) })
		return 7
	})
	select {
	case <-followed:
	case <-time.After(30 * time.Second):
		t.Fatal("the bar does not move")
	}
	stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.EqualValues(t, 7, b.step)
}

// screen is a terminal that keeps what was written to it.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// A bar names what is done, lets lines pass above it, and is gone at its end.
func TestBarSaysWhatItIsTold(t *testing.T) {
	var s screen
	b := show(&s, 1)
	b.Grow(4)
	b.Describe("third of four")
	b.Set(3)
	shows := func(what string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(s.String(), what) }, time.Minute, time.Millisecond)
	}
	shows("third of four")
	shows("75")
	b.Say("a line of %d words", 5)
	shows("a line of 5 words")
	b.End()
	assert.True(t, strings.HasSuffix(s.String(), "\n\x1b[A\x1b[K"), "the bar's line is taken back")
	assert.Equal(t, strings.Count(s.String(), "% ["), strings.Count(s.String(), "\x1b[A\x1b[K"), "as is every line before it")
}

func TestLine(t *testing.T) {
	for _, c := range []struct {
		name        string
		step, steps int64
		past        time.Duration
		what        string
		want        string
	}{
		{"at the beginning", 0, 10, time.Second, "first", "  0% [............................]              first"},
		{"in the middle", 5, 10, 90500 * time.Millisecond, "", " 50% [##############..............]  1m31s left"},
		{"a long name", 9, 10, time.Second, "3±1 ms, yes (order) and a very long one", " 90% [#########################...]     1s left  3±1 ms, yes (order) and a v~"},
		{"no steps", 0, 0, 0, "x", "  0% [............................]              x"},
		{"the longest", 999, 1000, 24 * 999 * time.Hour, strings.Repeat("x", 100), "100% [###########################.] 24h0m0s left  xxxxxxxxxxxxxxxxxxxxxxxxxxx~"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := line(c.step, c.steps, c.past, c.what)
			assert.Equal(t, c.want, got)
			assert.Less(t, utf8.RuneCountInString(got), 80)
		})
	}
}
