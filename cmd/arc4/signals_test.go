package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// handSignals are signals that come by hand.
func handSignals(ctx context.Context) (context.Context, *signals) {
	s := &signals{hurry: make(chan struct{})}
	ctx, s.end = context.WithCancelCause(ctx)
	return context.WithValue(ctx, signalsKey{}, s), s
}

// TestUndoFirst: what changed this machine is taken back before the peer hears of the end, whatever
// comes after.
func TestUndoFirst(t *testing.T) {
	for name, tc := range map[string]struct {
		signals []os.Signal
		answers bool // the peer does, or is waited for no longer
		want    string
	}{
		"the peer answers":                 {[]os.Signal{syscall.SIGTERM}, true, "undo farewell ended"},
		"a second signal":                  {[]os.Signal{syscall.SIGINT, syscall.SIGINT}, false, "undo farewell abandon ended"},
		"a third one":                      {[]os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM}, false, "undo farewell abandon ended"},
		"it ends without having been told": {nil, true, "ended"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var order []string
				did := func(what string) {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, what)
				}
				ctx, s := handSignals(withLogger(t.Context(), slog.New(slog.DiscardHandler)))
				s.undoes()
				abandoned := make(chan struct{})
				tunnel, stop := undoFirst(ctx, func() { did("undo") }, func() { did("abandon"); close(abandoned) })
				for i, sig := range tc.signals {
					s.take(sig)
					if i == 0 {
						<-tunnel.Done()
						did("farewell")
						assert.Equal(t, sig.String(), signalOf(tunnel))
					}
				}
				if !tc.answers {
					<-abandoned
				}
				did("ended")
				stop()
				assert.Equal(t, tc.want, strings.Join(order, " "))
			})
		})
	}
}

func TestReloadInsteadOfEnding(t *testing.T) {
	ctx, s := handSignals(t.Context())
	again := make(chan struct{}, 2)
	s.reloads(func() { again <- struct{}{} })
	s.take(syscall.SIGHUP)
	s.take(syscall.SIGHUP)
	<-again
	<-again
	require.NoError(t, ctx.Err())
	s.take(syscall.SIGTERM)
	require.Error(t, ctx.Err())
	assert.Equal(t, "terminated", signalOf(ctx))
	assert.Empty(t, signalOf(t.Context()))
}

// stuckWriter takes nothing until it is let.
type stuckWriter struct {
	free chan struct{}
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	<-w.free
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *stuckWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// TestLogWriterStuck: whoever logs goes on, lines wait up to a bound, and those beyond are counted.
func TestLogWriterStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuckWriter{free: make(chan struct{})}
		w := newLogWriter(out)
		w.says(func(lines int) []byte { return fmt.Appendf(nil, "%d lost\n", lines) })
		line := []byte(strings.Repeat("x", 1023) + "\n")
		const lines = 1000
		for range lines {
			n, err := w.Write(line)
			require.NoError(t, err)
			require.Equal(t, len(line), n)
		}
		close(out.free)
		synctest.Wait()
		kept := logRoom/len(line) + 1 // the first is out of the queue
		assert.Equal(t, strings.Repeat(string(line), kept)+fmt.Sprintf("%d lost\n", lines-kept), out.String())
		_, _ = io.WriteString(w, "again\n")
		assert.True(t, strings.HasSuffix(out.String(), "lost\nagain\n"), "written when Write returns")
	})
}

// TestLogWriterBroken: lines that cannot be written are lost, and nothing else happens.
func TestLogWriterBroken(t *testing.T) {
	for _, err := range []error{syscall.EPIPE, syscall.EIO, syscall.ENOSPC, os.ErrClosed} {
		w := newLogWriter(failingWriter{err})
		for range 3 {
			n, got := io.WriteString(w, "line\n")
			assert.NoError(t, got)
			assert.Equal(t, 5, n)
		}
	}
	assert.Equal(t, exit.Failure, exit.Report(newLogWriter(failingWriter{syscall.EPIPE}), errors.New("said to nobody")))
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
