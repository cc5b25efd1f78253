package status

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// traced runs a server with a trace.
func traced(t *testing.T) (path string, tr *trace.Trace, stop func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "arc4", "x.sock")
	s, err := Listen(path)
	require.NoError(t, err)
	tr = trace.New(nil)
	s.Tracing(tr)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, example) }()
	stop = func() {
		cancel()
		require.NoError(t, <-done)
	}
	return path, tr, stop
}

// watcher traces in the background.
type watcher struct {
	lines chan trace.Line
	ended chan error
	stop  context.CancelFunc
}

func startTrace(t *testing.T, path string, peer netip.Addr) *watcher {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	w := &watcher{lines: make(chan trace.Line, 100), ended: make(chan error, 1), stop: stop}
	go func() {
		w.ended <- Trace(ctx, path, peer, func(l trace.Line) error { w.lines <- l; return nil })
	}()
	require.Equal(t, begins, w.next(t).Text)
	return w
}

func (w *watcher) next(t *testing.T) trace.Line {
	t.Helper()
	select {
	case l := <-w.lines:
		return l
	case err := <-w.ended:
		w.ended <- err
		select {
		case l := <-w.lines: // said before
			return l
		default:
		}
		require.FailNow(t, "the trace ended", "%v", err)
	case <-time.After(30 * time.Second):
		require.FailNow(t, "no line comes")
	}
	return trace.Line{}
}

func (w *watcher) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-w.ended:
		return err
	case <-time.After(30 * time.Second):
		require.FailNow(t, "the trace does not end")
	}
	return nil
}

func say(tr *trace.Trace, peer, text string) {
	tr.Say(netip.MustParseAddr(peer), peer+"/7", trace.Said, func() string { return text })
}

func TestTrace(t *testing.T) {
	path, tr, stop := traced(t)
	require.False(t, tr.On())
	all := startTrace(t, path, netip.Addr{})
	one := startTrace(t, path, netip.MustParseAddr("192.0.2.2"))
	say(tr, "192.0.2.1", `sent [LCP TermReq id=0x1 "\x1b"]`)
	say(tr, "192.0.2.2", "rcvd [LCP TermAck id=0x1]")
	l := all.next(t)
	require.Equal(t, "192.0.2.1/7", l.Session)
	require.Equal(t, `sent [LCP TermReq id=0x1 "\x1b"]`, l.Text)
	require.WithinDuration(t, time.Now(), l.Time, time.Hour)
	require.Equal(t, "rcvd [LCP TermAck id=0x1]", all.next(t).Text)
	require.Equal(t, "rcvd [LCP TermAck id=0x1]", one.next(t).Text)

	one.stop()
	require.NoError(t, one.end(t))
	// Who watches does not keep others from asking.
	_, err := Fetch(t.Context(), path)
	require.NoError(t, err)
	// The last words of a tunnel come through.
	say(tr, "192.0.2.1", "the link is down")
	stop()
	require.Equal(t, "the link is down", all.next(t).Text)
	require.ErrorIs(t, all.end(t), errEnded)
	require.False(t, tr.On())
}

func TestTraceEndsWithItsClient(t *testing.T) {
	path, tr, stop := traced(t)
	defer stop()
	for range 3 * maxTraces {
		w := startTrace(t, path, netip.Addr{})
		w.stop()
		require.NoError(t, w.end(t))
		require.Eventually(t, func() bool { return !tr.On() }, 30*time.Second, time.Millisecond, "nobody watches any more")
	}
	failed := errors.New("the disk is full")
	require.ErrorIs(t, Trace(t.Context(), path, netip.Addr{}, func(trace.Line) error { return failed }), failed)
}

func TestTraceIsRefused(t *testing.T) {
	path, _, stop := traced(t)
	defer stop()
	var all []*watcher
	for range maxTraces {
		all = append(all, startTrace(t, path, netip.Addr{}))
	}
	nothing := func(trace.Line) error { return nil }
	require.ErrorContains(t, Trace(t.Context(), path, netip.Addr{}, nothing), "4 others trace this tunnel already")
	for _, w := range all {
		w.stop()
		require.NoError(t, w.end(t))
	}
	plain, _ := serve(t, example)
	require.ErrorContains(t, Trace(t.Context(), plain, netip.Addr{}, nothing), "this tunnel cannot be traced")
	require.ErrorIs(t, Trace(t.Context(), path+"no", netip.Addr{}, nothing), ErrNoTunnel)
	conn, err := net.Dial("unix", path)
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "trace nobody\n")
	answer := make([]byte, 200)
	n, err := conn.Read(answer)
	require.NoError(t, err)
	require.Contains(t, string(answer[:n]), "nobody")
}

// TestTraceIsNotRead: a client that stops reading loses lines, keeps nobody and does not keep the
// tunnel from ending.
func TestTraceIsNotRead(t *testing.T) {
	path, tr, stop := traced(t)
	conn, err := net.Dial("unix", path)
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "trace\n")
	require.Eventually(t, tr.On, 30*time.Second, time.Millisecond)
	a := netip.MustParseAddr("10.0.0.1")
	for range 200 {
		a = a.Next()
		for range 100 {
			say(tr, a.String(), "a line of some length, as they are when it is a Configure-Request that has many options in it")
		}
	}
	begin := time.Now()
	stop()
	t.Logf("ended after %v", time.Since(begin))
}
