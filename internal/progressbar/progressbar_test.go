package progressbar

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/schollz/progressbar/v3"
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
	b.Clear()
	assert.Empty(t, out.String())
}

// A bar follows a function until it is told to stop, and not after.
func TestFollow(t *testing.T) {
	b := &Bar{progressbar.NewOptions64(10, progressbar.OptionSetWriter(io.Discard))}
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
	assert.InDelta(t, 0.7, b.bar.State().CurrentPercent, 1e-9)
}

func TestBarSaysWhatItIsTold(t *testing.T) {
	var out strings.Builder
	b := &Bar{progressbar.NewOptions64(1, progressbar.OptionSetWriter(&out))}
	b.Grow(4)
	b.Describe("third of four")
	b.Set(3)
	b.Clear()
	assert.Contains(t, out.String(), "third of four")
	assert.Contains(t, out.String(), "75%")
}
