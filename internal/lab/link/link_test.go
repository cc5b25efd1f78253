package link

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// zero is where the fake clocks begin.
var zero = time.Unix(1000, 0)

// out is one released packet: its number and the time that Next gave for it.
type out struct {
	n  uint32
	at time.Duration
}

// drain lets a fake clock jump from release to release.
func drain(l *Link) (all []out) {
	for {
		at, ok := l.Next()
		if !ok {
			return all
		}
		l.Due(at.Add(-1), func([]byte) { panic("released before its time") })
		l.Due(at, func(p []byte) { all = append(all, out{binary.BigEndian.Uint32(p), at.Sub(zero)}) })
	}
}

// packet is size bytes that start with its number.
func packet(n uint32, size int) []byte {
	p := make([]byte, size)
	binary.BigEndian.PutUint32(p, n)
	return p
}

func newLink(t testing.TB, spec string) *Link {
	cfg, err := Parse(spec)
	require.NoError(t, err)
	l, err := New(cfg)
	require.NoError(t, err)
	return l
}

// send puts count packets of 100 bytes into l, one every gap.
func send(l *Link, count int, gap time.Duration) {
	for i := range count {
		l.Send(zero.Add(time.Duration(i)*gap), packet(uint32(i), 100))
	}
}

func requireBooks(t testing.TB, l *Link) {
	s := l.Stats()
	require.Equal(t, s.Sent+s.Duplicated, s.Delivered+s.Lost+s.Overflowed+uint64(l.Len()))
}

func TestPerfectLink(t *testing.T) {
	l := newLink(t, "")
	assert.True(t, l.Send(zero, packet(7, 4)))
	assert.Equal(t, []out{{7, 0}}, drain(l))
}

func TestConstantDelayKeepsOrder(t *testing.T) {
	l := newLink(t, "delay 3ms")
	send(l, 3, time.Millisecond)
	// Two more at the very time of the last one.
	l.Send(zero.Add(2*time.Millisecond), packet(3, 9))
	l.Send(zero.Add(2*time.Millisecond), packet(4, 9))
	ms := time.Millisecond
	assert.Equal(t, []out{{0, 3 * ms}, {1, 4 * ms}, {2, 5 * ms}, {3, 5 * ms}, {4, 5 * ms}}, drain(l))
	requireBooks(t, l)
}

func TestRateIsExact(t *testing.T) {
	l := newLink(t, "rate 3mbit delay 1ms")
	// 100 bytes at 3 Mb/s take 266 2/3 us: the thirds add up.
	send(l, 3, 0)
	l.Send(zero.Add(10*time.Millisecond), packet(3, 100))
	us := time.Microsecond
	assert.Equal(t, []out{
		{0, 1000*us + 266_666}, {1, 1000*us + 533_333}, {2, 1800 * us}, {3, 11_000*us + 266_666},
	}, drain(l))
}

func TestJitterOvertakes(t *testing.T) {
	l := newLink(t, "delay 3ms 1ms seed 1")
	const n, gap = 10_000, 10 * time.Microsecond
	send(l, n, gap)
	all := drain(l)
	require.Equal(t, n, len(all))
	overtaken := 0
	for i, o := range all {
		sent := time.Duration(o.n) * gap
		require.GreaterOrEqual(t, o.at-sent, 2*time.Millisecond)
		require.LessOrEqual(t, o.at-sent, 4*time.Millisecond)
		if i > 0 && o.n < all[i-1].n {
			overtaken++
		}
	}
	assert.True(t, slices.IsSortedFunc(all, func(a, b out) int { return int(a.at - b.at) }))
	assert.Greater(t, overtaken, n/3, "packets overtake each other")
}

func TestShares(t *testing.T) {
	const n = 100_000
	for spec, want := range map[string]Stats{
		"loss 1%":                 {Sent: n, Lost: n / 100, Delivered: n * 99 / 100},
		"loss 100%":               {Sent: n, Lost: n},
		"duplicate 5%":            {Sent: n, Duplicated: n / 20, Delivered: n * 105 / 100},
		"duplicate 50% loss 50%":  {Sent: n, Duplicated: n / 2, Lost: n / 2, Delivered: n},
		"delay 3ms reorder 25%":   {Sent: n, Reordered: n / 4, Delivered: n},
		"delay 3ms 1ms loss 0.1%": {Sent: n, Lost: n / 1000, Delivered: n * 999 / 1000},
	} {
		t.Run(spec, func(t *testing.T) {
			l := newLink(t, spec+" limit 200000 seed 3")
			send(l, n, time.Microsecond)
			drain(l)
			got := l.Stats()
			near := func(what string, want, got uint64) {
				// Five standard deviations of a binomial, at its widest n/4.
				assert.InDelta(t, want, got, 5*math.Sqrt(float64(min(want, n/4))), what)
			}
			near("lost", want.Lost, got.Lost)
			near("duplicated", want.Duplicated, got.Duplicated)
			near("reordered", want.Reordered, got.Reordered)
			near("delivered", want.Delivered, got.Delivered)
			assert.Zero(t, got.Overflowed)
			requireBooks(t, l)
		})
	}
}

func TestReorderSkipsTheDelay(t *testing.T) {
	l := newLink(t, "delay 3ms reorder 50% seed 5")
	send(l, 100, time.Millisecond)
	for _, o := range drain(l) {
		assert.Contains(t, []time.Duration{0, 3 * time.Millisecond}, o.at-time.Duration(o.n)*time.Millisecond)
	}
	assert.NotZero(t, l.Stats().Reordered)
}

func TestLimit(t *testing.T) {
	l := newLink(t, "delay 1ms limit 3")
	for i := range uint32(5) {
		assert.Equal(t, i < 3, l.Send(zero, packet(i, 4)))
	}
	l.Due(zero.Add(time.Millisecond), func([]byte) {})
	assert.True(t, l.Send(zero.Add(time.Millisecond), packet(5, 4)), "room again")
	assert.Equal(t, Stats{Sent: 6, Delivered: 3, Overflowed: 2}, l.Stats())
	requireBooks(t, l)
}

// TestSeed: one seed, one result; another seed, another; and the losses of a seed
// stay the same whatever else the link does.
func TestSeed(t *testing.T) {
	run := func(spec string) []out {
		l := newLink(t, spec)
		send(l, 2000, 50*time.Microsecond)
		return drain(l)
	}
	const spec = "delay 3ms 1ms distribution pareto loss 5% duplicate 5% reorder 5% rate 100mbit seed "
	assert.Equal(t, run(spec+"1"), run(spec+"1"))
	assert.NotEqual(t, run(spec+"1"), run(spec+"2"))

	survivors := func(spec string) (numbers []uint32) {
		for _, o := range run(spec) {
			numbers = append(numbers, o.n)
		}
		slices.Sort(numbers)
		return numbers
	}
	assert.Equal(t, survivors("loss 5% seed 9"), survivors("delay 200ms 50ms distribution normal reorder 10% loss 5% seed 9"))
}

func TestReconfigure(t *testing.T) {
	l := newLink(t, "delay 1ms")
	l.Send(zero, packet(0, 4))
	require.NoError(t, l.Reconfigure(Config{Loss: 1}))
	assert.False(t, l.Send(zero, packet(1, 4)), "the link is down")
	require.NoError(t, l.Reconfigure(Config{Delay: 2 * time.Millisecond}))
	assert.Error(t, l.Reconfigure(Config{Loss: 2}))
	assert.True(t, l.Send(zero, packet(2, 4)), "a refused change changes nothing")
	assert.Equal(t, []out{{0, time.Millisecond}, {2, 2 * time.Millisecond}}, drain(l))
}

func TestBytesAreCopied(t *testing.T) {
	l := newLink(t, "duplicate 100%")
	p := packet(1, 1400)
	l.Send(zero, p)
	clear(p)
	var got [][]byte
	l.Due(zero, func(p []byte) {
		got = append(got, slices.Clone(p))
		clear(p)
	})
	assert.Equal(t, [][]byte{packet(1, 1400), packet(1, 1400)}, got)
}

func TestNoAllocation(t *testing.T) {
	l := newLink(t, "delay 3ms 1ms distribution normal loss 1% duplicate 1% reorder 1% rate 1gbit")
	p, now, deliver := make([]byte, 1400), zero, func([]byte) {}
	step := func() {
		for range 100 {
			now = now.Add(15 * time.Microsecond)
			l.Send(now, p)
			l.Due(now, deliver)
		}
	}
	// More at once than there will be later, so that every slot has its buffer.
	for range 1000 {
		l.Send(now, p)
	}
	now = now.Add(time.Second)
	step()
	assert.Zero(t, testing.AllocsPerRun(100, step))
}

// FuzzLink sends packets as a script says, through links of every kind, and
// compares the schedule with a sorted list.
func FuzzLink(f *testing.F) {
	f.Add("delay 3ms 1ms", []byte{1, 2, 3, 4, 5, 200, 7, 8})
	f.Add("rate 1kbit limit 3", []byte{0, 0, 0, 0, 255, 0})
	f.Add("delay 1ms 3ms distribution pareto duplicate 50% reorder 20% loss 10% seed 4", []byte{9, 9, 9, 9, 0, 0, 128, 3})
	f.Fuzz(func(t *testing.T, spec string, script []byte) {
		cfg, err := Parse(spec)
		if err != nil {
			return
		}
		l, err := New(cfg)
		require.NoError(t, err)
		now, last := zero, time.Time{}
		var waiting []entry
		for i, b := range script {
			if b >= 192 {
				now = now.Add(time.Duration(b-191) * 100 * time.Microsecond)
				l.Due(now, func(p []byte) {
					slices.SortFunc(waiting, func(a, b entry) int {
						if a.before(b) {
							return -1
						}
						return 1
					})
					require.Equal(t, uint32(waiting[0].slot), binary.BigEndian.Uint32(p))
					at := l.epoch.Add(waiting[0].at)
					require.False(t, at.After(now), "released before its time")
					require.False(t, at.Before(last), "released out of order")
					last = at
					waiting = waiting[1:]
				})
				last = time.Time{}
			} else {
				before := l.order
				l.Send(now, packet(uint32(i), 4+int(b)))
				// The list says slot where it means the packet's number.
				for _, e := range l.flight {
					if int32(e.order-before) >= 0 {
						waiting = append(waiting, entry{at: e.at, order: e.order, slot: uint32(i)})
					}
				}
			}
			require.Len(t, waiting, l.Len())
			requireBooks(t, l)
		}
	})
}
