package arc4

import (
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

func TestChooseFastest(t *testing.T) {
	var now time.Duration
	s := choose([]*Backend{
		newTimed("slow", &now, 9*time.Microsecond),
		newElsewhere(),
		newTimed("fast", &now, 2*time.Microsecond),
		newTimed("middling", &now, 2500*time.Nanosecond),
	}, "", func() time.Duration { return now })
	require.NoError(t, s.err)
	assert.Equal(t, "fast", s.backend.Name())
	assert.Equal(t, "fastest of 3 on key set-up + 1400 bytes: fast 2.0 us, middling 2.5 us, slow 9.0 us", s.why)
}

func TestChooseDespiteInterruption(t *testing.T) {
	for pause := 1; pause <= 12; pause++ {
		var now time.Duration
		disturbed := newBackend("disturbed", "", func() stream {
			return &timed{clock: &now, cost: time.Microsecond, pause: pause}
		})
		s := choose([]*Backend{newTimed("other", &now, 2*time.Microsecond), disturbed}, "auto", func() time.Duration { return now })
		require.NoError(t, s.err)
		assert.Equal(t, "disturbed", s.backend.Name(), "interrupted in packet %d", pause)
	}
}

func TestMeasureBudget(t *testing.T) {
	for _, c := range []struct {
		name   string
		cost   time.Duration
		rounds int
	}{
		{"a fast machine stops at the most rounds", time.Microsecond, maxRounds + 1},
		{"a slow machine does the fewest", time.Second, minRounds + 1},
		{"one between stops with the time", measureBudget / 40, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			var now time.Duration
			one := &timed{clock: &now, cost: c.cost}
			measure([]*Backend{newBackend("one", "", func() stream { return one })}, func() time.Duration { return now })
			assert.Equal(t, c.rounds, one.packets)
		})
	}
}

func TestBrokenBackend(t *testing.T) {
	var now time.Duration
	clock := func() time.Duration { return now }
	bad, sound := newBroken(), newTimed("sound", &now, time.Millisecond)
	all := []*Backend{bad, sound}

	err := bad.SelfTest()
	require.ErrorContains(t, err, "at offset 4096")
	assert.Equal(t, err, bad.SelfTest(), "the second call says the same")

	s := choose(all, "", clock)
	require.NoError(t, s.err)
	assert.Equal(t, "sound", s.backend.Name(), "although it is slower")
	assert.Contains(t, s.why, "fastest of 1 ")
	assert.Contains(t, s.why, "broken failed: self-test: key ")

	s = choose(all, "broken", clock)
	require.ErrorContains(t, s.err, `ARC4_BACKEND=broken: arc4: backend "broken" is unusable: self-test: key `)
	assert.Nil(t, s.backend)

	s = choose([]*Backend{bad, newElsewhere()}, "", clock)
	require.ErrorContains(t, s.err, "no usable backend; broken failed: self-test: key ")
	assert.Nil(t, s.backend)

	_, err = lookup(all, "broken")
	require.ErrorContains(t, err, "unusable")
}

func TestLookupNames(t *testing.T) {
	all := []*Backend{newTimed("one", new(time.Duration), 0), newElsewhere()}
	b, err := lookup(all, "one")
	require.NoError(t, err)
	assert.Equal(t, "one", b.Name())

	_, err = lookup(all, "fancy")
	require.EqualError(t, err, `arc4: unknown backend "fancy", known are auto, one, elsewhere`)
	_, err = lookup(all, "elsewhere")
	require.EqualError(t, err, `arc4: backend "elsewhere" cannot run here: it is for another machine`)
}

func TestLookup(t *testing.T) {
	for _, b := range Backends() {
		got, err := Lookup(b.Name())
		require.NoError(t, err)
		assert.Same(t, b, got)
	}
	for _, b := range known {
		if b.missing != "" {
			_, err := Lookup(b.Name())
			assert.ErrorContains(t, err, b.missing)
		}
	}
	_, err := Lookup("aes")
	require.ErrorContains(t, err, `unknown backend "aes", known are auto, reference, u32, unrolled, `)
}

func TestBackendsStable(t *testing.T) {
	first := Backends()
	first[0], first[1] = first[1], first[0] // the caller's copy
	second := Backends()
	require.Equal(t, second, Backends())
	var got []string
	for _, b := range second {
		assert.NotEmpty(t, b.Describe())
		got = append(got, b.Name())
	}
	assert.Equal(t, []string{"reference", "u32", "unrolled"}, got[:3])
	for _, name := range got[3:] {
		assert.Equal(t, runtime.GOARCH, strings.SplitN(name, "-", 2)[0])
	}
}

// selectFrom makes the package's own selection give s until the test ends.
func selectFrom(t *testing.T, s selection) {
	t.Helper()
	old := selected
	t.Cleanup(func() { selected = old })
	selected = func() selection { return s }
}

func TestSelectedByEnvironment(t *testing.T) {
	t.Setenv(Environment, "u32")
	s := selectNow()
	require.NoError(t, s.err)
	selectFrom(t, s)
	b, why := Selected()
	assert.Equal(t, "u32", b.Name())
	assert.Equal(t, Environment, why)
	for _, name := range []string{"", "auto"} {
		got, err := Lookup(name)
		require.NoError(t, err)
		assert.Same(t, b, got)
	}
	c, err := New([]byte("Key"))
	require.NoError(t, err)
	assert.IsType(t, new(generic.U32), c.stream)
}

func TestBadEnvironment(t *testing.T) {
	t.Setenv(Environment, "fancy")
	selectFrom(t, selectNow())
	want := `ARC4_BACKEND=fancy: arc4: unknown backend "fancy", known are auto, ` + names(known)
	b, why := Selected()
	assert.Nil(t, b)
	assert.Equal(t, want, why)
	_, err := Lookup("")
	require.EqualError(t, err, want)
	_, err = Lookup("auto")
	require.EqualError(t, err, want)
	_, err = New([]byte("Key"))
	require.EqualError(t, err, want)

	for _, b := range Backends() {
		_, err := Lookup(b.Name())
		require.NoError(t, err, "a name given in the program still works")
	}
}

func TestSelected(t *testing.T) {
	t.Setenv(Environment, "")
	s := selectNow()
	require.NoError(t, s.err)
	assert.True(t, slices.Contains(Backends(), s.backend))
	t.Logf("selected %s: %s", s.backend.Name(), s.why)
}
