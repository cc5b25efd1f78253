package arc4

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4/generic"
)

// timed is a sound implementation that moves a clock by hand: each packet takes
// cost, and the packet with the number pause takes a second more.
type timed struct {
	generic.Reference
	clock   *time.Duration
	cost    time.Duration
	packets int
	pause   int
}

func (s *timed) XORKeyStream(dst, src []byte) {
	s.Reference.XORKeyStream(dst, src)
	*s.clock += s.cost
	if s.packets++; s.packets == s.pause {
		*s.clock += time.Second
	}
}

// broken differs from RC4 in one bit of one byte, far into the stream.
type broken struct {
	generic.Reference
	at int
}

func (s *broken) SetKey(key []byte) {
	s.Reference.SetKey(key)
	s.at = 0
}

func (s *broken) XORKeyStream(dst, src []byte) {
	s.Reference.XORKeyStream(dst, src)
	if s.at <= 4111 && 4111 < s.at+len(src) {
		dst[4111-s.at] ^= 1
	}
	s.at += len(src)
}

func newTimed(name string, clock *time.Duration, cost time.Duration) *Backend {
	return newBackend(name, "", func() stream { return &timed{clock: clock, cost: cost} })
}

func newBroken() *Backend {
	return newBackend("broken", "", func() stream { return new(broken) })
}

func newElsewhere() *Backend {
	b := newBackend("elsewhere", "", nil)
	b.missing = "it is for another machine"
	return b
}

// newAt makes a selector that follows the environment's value and a clock moved
// by hand.
func newAt(known []*Backend, environment string, now *time.Duration) *selector {
	return newSelector(known, environment, func() time.Duration { return *now })
}

func TestChooseFastest(t *testing.T) {
	for _, w := range Workloads() {
		t.Run(w.String(), func(t *testing.T) {
			var now time.Duration
			s := newAt([]*Backend{
				newTimed("slow", &now, 9*time.Microsecond),
				newElsewhere(),
				newTimed("fast", &now, 2*time.Microsecond),
				newTimed("middling", &now, 2500*time.Nanosecond),
			}, "", &now)
			c := s.choose(w)
			require.NoError(t, c.err)
			assert.Equal(t, "fast", c.backend.Name())
			assert.Equal(t, "fastest of 3: fast 2.00 us, middling 2.50 us, slow 9.00 us", c.why)
			var times []string
			for _, m := range c.times {
				times = append(times, m.Backend.Name()+" "+m.String())
			}
			assert.Equal(t, []string{"slow 9.00 us", "fast 2.00 us", "middling 2.50 us"}, times, "in the backends' order")
		})
	}
}

// keyed is a sound implementation whose key set-up takes time and whose bytes
// take none, or the other way round.
type keyed struct {
	generic.Reference
	clock      *time.Duration
	key, bytes time.Duration
}

func (s *keyed) SetKey(key []byte) {
	s.Reference.SetKey(key)
	*s.clock += s.key
}

func (s *keyed) XORKeyStream(dst, src []byte) {
	s.Reference.XORKeyStream(dst, src)
	*s.clock += s.bytes
}

// manyAtOnce are lanes that take no time.
type manyAtOnce struct {
	*generic.Lanes
}

func TestChoosePerWorkload(t *testing.T) {
	var now time.Duration
	bulk := newBackend("bulk", "", func() stream { return &keyed{clock: &now, key: 9 * time.Microsecond, bytes: time.Microsecond} })
	agile := newBackend("agile", "", func() stream { return &keyed{clock: &now, key: time.Microsecond, bytes: 2 * time.Microsecond} })
	wide := newTimed("wide", &now, time.Millisecond).withLanes(func() lanes { return manyAtOnce{new(generic.Lanes)} })
	s := newAt([]*Backend{bulk, agile, wide}, "", &now)
	b, err := s.whole()
	require.NoError(t, err)
	assert.Equal(t, "bulk,agile,wide", b.Name())
	assert.Equal(t, "stream: bulk; packet: agile; packets: wide", b.Describe())
	assert.Equal(t, "fastest of 3 on 1400 bytes: stream bulk 1.00 us, packet agile 3.00 us, packets wide 0.00 us", s.why())
	assert.Same(t, bulk, b.For(Stream))
	assert.Same(t, agile, b.For(Packet))
	assert.Same(t, wide, b.For(Packets))
	assert.Equal(t, wide.Streams(), b.Streams())
	again, err := s.whole()
	require.NoError(t, err)
	assert.Same(t, b, again)
}

func TestOneForAllWhereTheyAreEqual(t *testing.T) {
	var now time.Duration
	first := newBackend("first", "", func() stream { return &keyed{clock: &now, key: 10 * time.Microsecond, bytes: 100 * time.Microsecond} })
	second := newBackend("second", "", func() stream { return &keyed{clock: &now, key: 4 * time.Microsecond, bytes: 104 * time.Microsecond} })
	s := newAt([]*Backend{first, second}, "", &now)
	b, err := s.whole()
	require.NoError(t, err)
	assert.Same(t, first, b, "second is 2%% faster on packets")
	assert.Equal(t, "within 3% of the fastest of 2: second 108.00 us, first 110.00 us, and selected for stream too", s.choose(Packet).why)
	assert.Equal(t, "fastest of 2 on 1400 bytes: stream first 100.00 us, packet first 110.00 us, packets first 110.00 us", s.why())
}

func TestLastOfEqualOnes(t *testing.T) {
	var now time.Duration
	s := newAt([]*Backend{
		newTimed("plain", &now, 100*time.Microsecond),
		newTimed("special", &now, 102*time.Microsecond),
		newTimed("slow", &now, 105*time.Microsecond),
	}, "", &now)
	c := s.choose(Stream)
	assert.Equal(t, "special", c.backend.Name())
	assert.Equal(t, "within 3% of the fastest of 3: plain 100.00 us, special 102.00 us, slow 105.00 us, and listed last of those", c.why)
}

func TestRanked(t *testing.T) {
	for _, test := range []struct {
		name            string
		basic, newer    time.Duration
		selected, whole string
	}{
		{"the newer is faster", 100, 85, "newer", "fastest of 2: newer 85.00 us, basic 100.00 us"},
		{"the newer looks a little slower", 100, 114, "newer", "within 15% of the fastest of 2: basic 100.00 us, newer 114.00 us, and listed last of those"},
		{"the newer is clearly slower", 100, 116, "basic", "fastest of 2: basic 100.00 us, newer 116.00 us"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var now time.Duration
			portable := newTimed("portable", &now, time.Microsecond)
			s := newAt([]*Backend{
				portable,
				newTimed("basic", &now, test.basic*time.Microsecond).rank(),
				newTimed("newer", &now, test.newer*time.Microsecond).rank(),
			}, "", &now)
			b, err := s.whole()
			require.NoError(t, err)
			assert.Equal(t, test.selected, b.Name())
			assert.Equal(t, test.whole, s.choose(Stream).why)
		})
	}
}

// TestPortableWhereRankedOnesFail: a machine whose assembly is wrong goes on without.
func TestPortableWhereRankedOnesFail(t *testing.T) {
	var now time.Duration
	portable := newTimed("portable", &now, time.Microsecond)
	s := newAt([]*Backend{portable, newBroken().rank()}, "", &now)
	b, err := s.whole()
	require.NoError(t, err)
	assert.Same(t, portable, b)
	assert.Contains(t, s.why(), "broken failed: self-test: key ")
	assert.Equal(t, sameSpeed, s.sound().margin())
}

// TestNoisySelection: the same backend is selected however often the machine is held up, and
// however a turn differs from the next.
func TestNoisySelection(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 11))
		var now time.Duration
		noisy := func(name string, cost time.Duration) *Backend {
			return newBackend(name, "", func() stream {
				return &noise{clock: &now, cost: cost, random: random}
			})
		}
		s := newAt([]*Backend{noisy("r1", 40*time.Microsecond).rank(), noisy("r2", 34*time.Microsecond).rank()}, "", &now)
		b, err := s.whole()
		require.NoError(t, err)
		require.Equal(t, "r2", b.Name(), "seed %d: %s", seed, s.why())
	}
}

// noise is a sound implementation of which every second call takes up to twice its cost, and some
// take much more.
type noise struct {
	generic.Reference
	clock  *time.Duration
	cost   time.Duration
	random *rand.Rand
}

func (s *noise) XORKeyStream(dst, src []byte) {
	s.Reference.XORKeyStream(dst, src)
	*s.clock += s.cost
	if s.random.IntN(2) == 0 {
		*s.clock += time.Duration(s.random.Int64N(int64(s.cost)))
	}
	if s.random.IntN(100) == 0 {
		*s.clock += 10 * time.Millisecond
	}
}

func TestMeasuredWhenNeeded(t *testing.T) {
	var now time.Duration
	one := newTimed("one", &now, time.Microsecond)
	s := newAt([]*Backend{one}, "", &now)
	assert.Zero(t, now, "nothing was asked for")
	s.choose(Stream)
	after := now
	assert.Positive(t, after)
	s.choose(Stream)
	assert.Equal(t, after, now, "once is enough")
	s.choose(Packets)
	assert.Greater(t, now, after)
}

func TestChooseDespiteInterruption(t *testing.T) {
	for _, w := range Workloads() {
		for pause := 1; pause <= 100; pause += 9 {
			var now time.Duration
			one := &timed{clock: &now, cost: time.Microsecond, pause: pause}
			disturbed := newBackend("disturbed", "", func() stream { return one })
			require.NoError(t, disturbed.SelfTest())
			one.packets = 0
			c := newAt([]*Backend{newTimed("other", &now, 2*time.Microsecond), disturbed}, "auto", &now).choose(w)
			require.NoError(t, c.err)
			assert.Greater(t, now, time.Second)
			assert.Equal(t, "disturbed", c.backend.Name(), "%v, interrupted in packet %d", w, pause)
		}
	}
}

func TestMeasureBudget(t *testing.T) {
	for _, c := range []struct {
		name    string
		cost    time.Duration
		packets int
	}{
		{"a fast machine stops at the most rounds", time.Microsecond, usualEffort.most * int(turnTime/time.Microsecond)},
		{"a slow machine does the fewest", time.Second, usualEffort.fewest},
		{"one between stops with the time", usualEffort.budget / 40, 39},
	} {
		t.Run(c.name, func(t *testing.T) {
			var now time.Duration
			one := &timed{clock: &now, cost: c.cost}
			measure(Packet, []*Backend{newBackend("one", "", func() stream { return one })}, usualEffort, func() time.Duration { return now })
			assert.Equal(t, c.packets, one.packets-1, "after one to warm up")
		})
	}
}

// TestHopeless: what is far behind after the fewest rounds is not measured any more, and what is a
// little behind is.
func TestHopeless(t *testing.T) {
	var now time.Duration
	one := &timed{clock: &now, cost: 160 * time.Microsecond}
	two := &timed{clock: &now, cost: 110 * time.Microsecond}
	three := &timed{clock: &now, cost: 100 * time.Microsecond}
	var all []*Backend
	for _, s := range []*timed{one, two, three} {
		all = append(all, newBackend("", "", func() stream { return s }))
	}
	times := measure(Packet, all, usualEffort, func() time.Duration { return now })
	assert.Equal(t, usualEffort.fewest, one.packets-1, "after one to warm up")
	assert.Greater(t, two.packets-1, 2*usualEffort.fewest)
	assert.Equal(t, two.packets, three.packets)
	assert.Equal(t, 160*time.Microsecond, times[0].Time, "it has a time all the same")
}

// TestSlowClock has a clock that takes longer to read than a packet.
func TestSlowClock(t *testing.T) {
	for _, w := range Workloads() {
		t.Run(w.String(), func(t *testing.T) {
			var now time.Duration
			clock := func() time.Duration {
				now += 30 * time.Microsecond
				return now
			}
			all := []*Backend{newTimed("slow", &now, 1300*time.Nanosecond), newTimed("fast", &now, time.Microsecond)}
			times := measure(w, all, usualEffort, clock)
			assert.InDelta(t, 1300, times[0].Time.Nanoseconds(), 300)
			assert.InDelta(t, 1000, times[1].Time.Nanoseconds(), 300)
			assert.Less(t, times[1].Time, times[0].Time)
		})
	}
}

// TestSlowMachine has a router's backends and clock.
func TestSlowMachine(t *testing.T) {
	for _, w := range Workloads() {
		t.Run(w.String(), func(t *testing.T) {
			var now time.Duration
			clock := func() time.Duration {
				now += 2 * time.Microsecond
				return now
			}
			var all []*Backend
			for _, cost := range []time.Duration{130, 100, 90, 70} {
				all = append(all, newTimed(cost.String(), &now, cost*time.Microsecond))
			}
			times := measure(w, all, usualEffort, clock)
			assert.Less(t, now, 10*time.Millisecond)
			assert.InDelta(t, 70, times[3].Time.Microseconds(), 3)
		})
	}
}

func TestBatchSize(t *testing.T) {
	var now time.Duration
	wide := func(n int) *Backend {
		b := newTimed("wide", &now, 0)
		b.newLanes, b.width = func() lanes { return nil }, func() int { return n }
		return b
	}
	assert.Equal(t, 2, batchSize([]*Backend{newTimed("one", &now, 0)}))
	assert.Equal(t, 16, batchSize([]*Backend{newTimed("one", &now, 0), wide(8), wide(3)}))
	assert.Equal(t, maxBatch, batchSize([]*Backend{wide(16)}))
}

func TestBrokenBackend(t *testing.T) {
	var now time.Duration
	bad, sound := newBroken(), newTimed("sound", &now, time.Millisecond)
	all := []*Backend{bad, sound}

	err := bad.SelfTest()
	require.ErrorContains(t, err, "at offset 4096")
	assert.Equal(t, err, bad.SelfTest(), "the second call says the same")

	s := newAt(all, "", &now)
	b, err := s.whole()
	require.NoError(t, err)
	assert.Same(t, sound, b, "although it is slower")
	assert.Contains(t, s.why(), "fastest of 1 ")
	assert.Contains(t, s.why(), "broken failed: self-test: key ")

	s = newAt(all, "broken", &now)
	_, err = s.whole()
	require.ErrorContains(t, err, `ARC4_BACKEND=broken: arc4: backend "broken" is unusable: self-test: key `)

	_, err = newAt([]*Backend{bad, newElsewhere()}, "", &now).whole()
	require.ErrorContains(t, err, "no usable backend; broken failed: self-test: key ")

	_, err = lookup(all, "broken", nil)
	require.ErrorContains(t, err, "unusable")
	assert.ErrorContains(t, compose(parts{sound, bad, bad}).SelfTest(), "broken: self-test: key ")
}

// twisted are lanes that do not move.
type twisted struct {
	*generic.Lanes
}

func (twisted) Move(int, int) {}

func TestBrokenLanes(t *testing.T) {
	var now time.Duration
	bad := newTimed("twisted", &now, 0).withLanes(func() lanes { return twisted{new(generic.Lanes)} })
	err := bad.SelfTest()
	require.ErrorContains(t, err, "self-test: key ")
	assert.ErrorContains(t, err, " in a batch")
	good := newTimed("straight", &now, 0).withLanes(func() lanes { return new(generic.Lanes) })
	assert.NoError(t, good.SelfTest())
}

// selectFrom makes the package's own selection follow the environment's value
// until the test ends.
func selectFrom(t *testing.T, environment string) {
	t.Helper()
	t.Setenv(Environment, environment)
	old := selected
	t.Cleanup(func() { selected = old })
	s := newSelector(known, environment, func() time.Duration { return 0 })
	selected = func() *selector { return s }
}

func TestSelectedByEnvironment(t *testing.T) {
	selectFrom(t, "u32")
	b, why := Selected()
	assert.Equal(t, "u32", b.Name())
	assert.Equal(t, Environment, why)
	for _, name := range []string{"", "auto", "auto,auto"} {
		got, err := Lookup(name)
		require.NoError(t, err)
		assert.Same(t, b, got)
	}
	c, err := New([]byte("Key"))
	require.NoError(t, err)
	assert.IsType(t, new(generic.U32), c.stream)
	for n, s := range Selections() {
		assert.Equal(t, Selection{Workload: Workload(n), Backend: b, Why: Environment}, s)
	}
}

func TestSelectedByEnvironmentForEach(t *testing.T) {
	selectFrom(t, "reference,u32,unrolled")
	b, why := Selected()
	assert.Equal(t, "reference,u32,unrolled", b.Name())
	assert.Equal(t, Environment, why)
	c, err := New([]byte("Key"))
	require.NoError(t, err)
	assert.IsType(t, new(generic.Reference), c.stream)
	got, err := Lookup("auto,reference,auto")
	require.NoError(t, err)
	assert.Equal(t, "reference,reference,unrolled", got.Name())
}

func TestEnvironmentLeavesSome(t *testing.T) {
	var now time.Duration
	one, two := newTimed("one", &now, time.Microsecond), newTimed("two", &now, 2*time.Microsecond)
	s := newAt([]*Backend{one, two}, "two,auto,two", &now)
	b, err := s.whole()
	require.NoError(t, err)
	assert.Equal(t, "two,one,two", b.Name())
	assert.Equal(t, "fastest of 2 on 1400 bytes: stream two ARC4_BACKEND, packet one 1.00 us, packets two ARC4_BACKEND", s.why())
}

func TestBadEnvironment(t *testing.T) {
	knownNames := names(known)
	for value, want := range map[string]string{
		"fancy":     `ARC4_BACKEND=fancy: arc4: unknown backend "fancy", known are auto, ` + knownNames,
		"u32,fancy": `ARC4_BACKEND=u32,fancy: arc4: unknown backend "fancy", known are auto, ` + knownNames,
		"u32,":      `ARC4_BACKEND=u32,: arc4: unknown backend "", known are auto, ` + knownNames,
		"a,b,c,d": `ARC4_BACKEND=a,b,c,d: arc4: "a,b,c,d" names 4 backends, it can be three at most: ` +
			`for a stream, for a packet and for batches of packets`,
	} {
		t.Run(value, func(t *testing.T) {
			selectFrom(t, value)
			b, why := Selected()
			assert.Nil(t, b)
			assert.Equal(t, want, why)
			_, err := Lookup("")
			require.EqualError(t, err, want)
			_, err = Lookup("auto")
			require.EqualError(t, err, want)
			_, err = New([]byte("Key"))
			require.EqualError(t, err, want)
			for n, s := range Selections() {
				assert.Equal(t, Selection{Workload: Workload(n), Why: want}, s)
			}
			for _, b := range Backends() {
				_, err := Lookup(b.Name())
				require.NoError(t, err, "a name given in the program still works")
			}
		})
	}
}

func TestSelected(t *testing.T) {
	start := time.Now()
	s := newSelector(known, "", func() time.Duration { return time.Since(start) })
	b, err := s.whole()
	require.NoError(t, err)
	for _, w := range Workloads() {
		assert.True(t, slices.Contains(Backends(), b.For(w)))
		c := s.choose(w)
		assert.Same(t, c.backend, b.For(w))
		assert.Len(t, c.times, len(s.sound().backends))
		t.Logf("%v: %s: %s", w, c.backend.Name(), c.why)
	}
	t.Logf("%s, after %v: %s", b.Name(), time.Since(start), s.why())
}

func TestBackendsStable(t *testing.T) {
	first := Backends()
	first[0], first[1] = first[1], first[0] // the caller's copy
	second := Backends()
	require.Equal(t, second, Backends())
	var got []string
	for _, b := range second {
		assert.NotEmpty(t, b.Describe())
		assert.Empty(t, b.Missing())
		assert.Contains(t, Known(), b)
		got = append(got, b.Name())
	}
	assert.Equal(t, []string{"reference", "u32", "unrolled"}, got[:3], "the portable ones first")
	for _, name := range got[3:] {
		assert.Equal(t, runtime.GOARCH, strings.SplitN(name, "-", 2)[0])
	}
}
