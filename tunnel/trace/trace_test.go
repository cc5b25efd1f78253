package trace

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	epoch = time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	alice = netip.MustParseAddr("192.0.2.1")
	bob   = netip.MustParseAddr("192.0.2.2")
)

// clock is a time that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func say(t *Trace, peer netip.Addr, text string) {
	t.Say(peer, peer.String()+"/7", Said, func() string { return text })
}

// read takes what waits.
func read(tap *Tap) (texts []string) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	for _, l := range tap.Next(ctx) {
		texts = append(texts, l.Text)
	}
	return texts
}

func TestOffCostsNothing(t *testing.T) {
	called := false
	words := func() string { called = true; return "" }
	for _, tr := range []*Trace{nil, {}, New(nil)} {
		require.False(t, tr.On())
		require.Zero(t, testing.AllocsPerRun(100, func() { tr.Say(alice, "", Said, words) }))
	}
	require.False(t, called)
}

func TestLines(t *testing.T) {
	c := &clock{at: epoch}
	tr := New(c.now)
	all, one := tr.Open(netip.Addr{}), tr.Open(bob)
	require.True(t, tr.On())
	said := 0
	tr.Say(alice, "", Said, func() string { said++; return "sent [Echo-Request id 1]" })
	tr.Say(bob, bob.String()+"/7", Said, func() string { said++; return "rcvd [LCP TermAck id=0x1]" })
	require.Equal(t, 2, said, "words are made once for all who watch")
	lines := all.Next(t.Context())
	require.Len(t, lines, 2)
	require.Equal(t, "2026-01-02T03:04:05.678901Z 192.0.2.1 sent [Echo-Request id 1]", lines[0].String())
	require.Equal(t, "2026-01-02T03:04:05.678901Z 192.0.2.2/7 rcvd [LCP TermAck id=0x1]", lines[1].String())
	require.Equal(t, []string{"rcvd [LCP TermAck id=0x1]"}, read(one))

	one.Close()
	one.Close()
	say(tr, bob, "after the end")
	require.Empty(t, read(one))
	require.Equal(t, []string{"after the end"}, read(all))
	all.Close()
	require.False(t, tr.On())
	require.Nil(t, all.Next(t.Context()))
}

// TestFloodIsCut: a peer that says too much is cut off, others are not, and what was left out is
// said.
func TestFloodIsCut(t *testing.T) {
	c := &clock{at: epoch}
	tr := New(c.now)
	tap := tr.Open(netip.Addr{})
	defer tap.Close()
	for i := range 100_000 {
		say(tr, alice, fmt.Sprint(i))
	}
	say(tr, bob, "a word of bob's")
	texts := read(tap)
	require.Len(t, texts, peerRate.burst+1)
	require.Equal(t, "0", texts[0])
	require.Equal(t, "a word of bob's", texts[peerRate.burst])

	// A flood that goes on for an ten minutes, 1,000 lines a second, and the disk that it takes.
	shown := 0
	for range 600 {
		for range 1000 {
			say(tr, alice, "again")
		}
		c.pass(time.Second)
		shown += len(read(tap))
	}
	t.Logf("of 600,000 lines %d were shown", shown)
	require.Less(t, shown, 600*6)
	require.Greater(t, shown, 600*4)

	c.pass(time.Hour)
	say(tr, alice, "and now")
	texts = read(tap)
	require.Len(t, texts, 2)
	require.Regexp(t, `^\(\d+ lines left out\)$`, texts[0])
	require.Equal(t, "and now", texts[1])
}

// TestForgedPacketsLeaveRoom: what was not believed has a budget of its own.
func TestForgedPacketsLeaveRoom(t *testing.T) {
	c := &clock{at: epoch}
	tr := New(c.now)
	tap := tr.Open(netip.Addr{})
	for range 10_000 {
		tr.Say(alice, "", Dropped, func() string { return "forged" })
	}
	say(tr, alice, "genuine")
	texts := read(tap)
	require.Len(t, texts, droppedRate.burst+1)
	require.Equal(t, "genuine", texts[droppedRate.burst])
	tap.Close()
	require.Equal(t, []string{"(9950 lines left out)"}, read(tap))
}

// TestManyPeers: peers without number take a bounded memory and a bounded disk.
func TestManyPeers(t *testing.T) {
	c := &clock{at: epoch}
	tr := New(c.now)
	tap := tr.Open(netip.Addr{})
	defer tap.Close()
	a := netip.MustParseAddr("10.0.0.1")
	shown := 0
	for range 3 * maxSources {
		a = a.Next()
		for range 20 {
			say(tr, a, "hello")
		}
		shown += len(read(tap))
	}
	require.LessOrEqual(t, len(tap.budgets), maxSources)
	require.LessOrEqual(t, shown, allRate.burst+2*maxSources, "each that is forgotten may leave a line")
}

func TestNobodyReads(t *testing.T) {
	c := &clock{at: epoch}
	tr := New(c.now)
	tap := tr.Open(netip.Addr{})
	defer tap.Close()
	a := netip.MustParseAddr("10.0.0.1")
	for i := range maxQueue + 100 {
		if i%100 == 0 {
			a = a.Next()
		}
		c.pass(allRate.interval)
		say(tr, a, "hello")
	}
	require.Len(t, tap.queue, maxQueue)
	require.Len(t, read(tap), maxQueue)
	say(tr, bob, "still there?")
	require.Equal(t, []string{"(100 lines left out): they were not read in time", "still there?"}, read(tap))
}

// TestAllAtOnce is for the race detector: taps come, go and read while lines are said.
func TestAllAtOnce(t *testing.T) {
	tr := New(nil)
	var work sync.WaitGroup
	for i := range 4 {
		work.Go(func() {
			for range 500 {
				say(tr, alice, "x")
			}
		})
		work.Go(func() {
			for range 50 {
				tap := tr.Open(netip.Addr{})
				ctx, stop := context.WithTimeout(context.Background(), time.Duration(i)*time.Microsecond)
				tap.Next(ctx)
				stop()
				tap.Close()
				for tap.Next(context.Background()) != nil {
				}
			}
		})
	}
	work.Wait()
	require.False(t, tr.On())
}
