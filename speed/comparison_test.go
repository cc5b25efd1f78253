package speed

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/timing"
)

func TestPlanRounds(t *testing.T) {
	for name, test := range map[string]struct {
		total time.Duration
		want  roundPlan
	}{
		"openssl's 3 s": {3 * time.Second, roundPlan{61, 3 * time.Second / 122}},
		"one second":    {time.Second, roundPlan{21, time.Second / 42}},
		"short":         {100 * time.Millisecond, roundPlan{11, 100 * time.Millisecond / 22}},
		"shortest":      {MinTime, roundPlan{11, MinTime / 22}},
		"longest":       {MaxTime, roundPlan{72001, MaxTime / 144002}},
		"nothing":       {0, roundPlan{11, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			plan := planRounds(test.total)
			assert.Equal(t, test.want, plan)
			assert.Equal(t, 1, plan.rounds%2)
			assert.LessOrEqual(t, plan.slice, usualSlice)
		})
	}
}

func TestThereAndBack(t *testing.T) {
	for name, test := range map[string]struct {
		tasks int
		want  []int
	}{
		"one":   {1, []int{0, 0}},
		"two":   {2, []int{0, 1, 1, 0}},
		"three": {3, []int{0, 1, 2, 2, 1, 0}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, thereAndBack(test.tasks)) })
	}
}

func TestEnoughRounds(t *testing.T) {
	plan := roundPlan{rounds: 11, slice: time.Millisecond} // 66 ms for three tasks
	for name, test := range map[string]struct {
		round int
		took  time.Duration
		want  bool
	}{
		"at the start":              {0, 0, false},
		"within the plan":           {10, 66 * time.Millisecond, false},
		"done":                      {11, 66 * time.Millisecond, true},
		"slow machine, too few":     {fewestKept - 1, time.Hour, false},
		"slow machine, enough":      {fewestKept, time.Hour, true},
		"a neighbour takes half":    {10, 132 * time.Millisecond, false},
		"operations longer than it": {10, 133 * time.Millisecond, true},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, plan.enough(test.round, 3, test.took)) })
	}
}

func TestMiddle(t *testing.T) {
	for name, test := range map[string]struct {
		list []float64
		want float64
	}{
		"one":  {[]float64{4}, 4},
		"odd":  {[]float64{9, 1, 2}, 2},
		"even": {[]float64{8, 1, 4, 2}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(test.list)
			assert.InDelta(t, test.want, middle(test.list), 1e-12)
			assert.Equal(t, before, test.list)
		})
	}
}

// TestRatiosAreTakenRoundByRound has a neighbour that slows two of five rounds, one cipher more
// than the other: neither its times nor the quotient of mean times is what the ratio goes by.
func TestRatiosAreTakenRoundByRound(t *testing.T) {
	results := []Result{
		{Case: Case{Name: "fast"}, perOp: []float64{1, 1, 7, 1, 5}},
		{Case: Case{Name: "base"}, perOp: []float64{2, 2, 3, 2, 4}},
	}
	rate(results, []string{"base", "absent"})
	assert.Equal(t, map[string]float64{"base": 2}, results[0].Ratios)
	assert.Equal(t, map[string]float64{"base": 1}, results[1].Ratios)
}

func TestSumUpTakesTheMedianRound(t *testing.T) {
	c := Case{Name: "fast", Bytes: 10, Workers: 2}
	r := sumUp(c, []round{
		{{ops: 100, seconds: 1}, {ops: 100, seconds: 1}},
		{{ops: 100, seconds: 9}, {ops: 100, seconds: 9}},
		{{ops: 200, seconds: 2}, {ops: 400, seconds: 4}},
	})
	assert.Equal(t, uint64(1000), r.Ops)
	assert.InEpsilon(t, 200, r.OpsPerSecond(), 1e-9, "two workers with 100 a second each")
	require.Len(t, r.samples, 2)
	for i, ops := range []uint64{400, 600} {
		assert.Equal(t, ops, r.samples[i].ops)
		assert.InEpsilon(t, 100, float64(ops)/r.samples[i].seconds, 1e-9)
	}
}

func TestCompare(t *testing.T) {
	r, err := fakeComparison().run(t.Context(), Config{
		Names: []string{"slow", "fast"}, Workloads: []Workload{Stream, KeySetup}, Sizes: []int{16, 1400}, Time: time.Second,
		Elapsed: true, Peers: true,
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"libcrypto", "crypto/rc4"}, r.Peers)
	type line struct {
		name     string
		workload Workload
		bytes    int
		rate     float64 // bytes or operations a second
		ratios   map[string]float64
	}
	var got []line
	for _, x := range r.Results {
		l := line{x.Name, x.Workload, x.Bytes, x.BytesPerSecond(), x.Ratios}
		if x.Bytes == 0 {
			l.rate = x.OpsPerSecond()
		}
		got = append(got, l)
	}
	ratios := func(libcrypto, rc4 float64) map[string]float64 {
		return map[string]float64{"libcrypto": libcrypto, "crypto/rc4": rc4}
	}
	var want []line
	for _, size := range []int{16, 1400} {
		want = append(want,
			line{"slow", Stream, size, 1e8, ratios(0.3, 0.6)},
			line{"fast", Stream, size, 1e9, ratios(3, 6)},
			line{"libcrypto", Stream, size, 1e9 / 3, ratios(1, 2)},
			line{"crypto/rc4", Stream, size, 1e9 / 6, ratios(0.5, 1)})
	}
	want = append(want,
		line{"slow", KeySetup, 0, 1e5, map[string]float64{"libcrypto": 0.5}},
		line{"fast", KeySetup, 0, 1e6, map[string]float64{"libcrypto": 5}},
		line{"libcrypto", KeySetup, 0, 2e5, map[string]float64{"libcrypto": 1}})
	require.Len(t, got, len(want))
	for i := range want {
		assert.InEpsilon(t, want[i].rate, got[i].rate, 1e-9)
		assert.InDeltaMapValues(t, want[i].ratios, got[i].ratios, 1e-9)
		want[i].rate, want[i].ratios = got[i].rate, got[i].ratios
		assert.Equal(t, want[i], got[i])
	}
}

// TestCompareOnASlowingMachine has everything take longer and longer, as on a processor that grows
// hot. There and back makes that even.
func TestCompareOnASlowingMachine(t *testing.T) {
	c := &fakeClock{}
	slowing := func(cost time.Duration) map[Workload]makeWork {
		return map[Workload]makeWork{Stream: func(int, *timing.Keys) (timing.Work, error) {
			return func(n int) int {
				c.now += time.Duration(float64(n) * float64(cost) * (1 + c.now.Seconds()/10))
				return n
			}, nil
		}}
	}
	runner := fakeComparison()
	runner.clock = func() timing.Clock { return c }
	runner.implementations = []implementation{
		{"a", ours, passes, slowing(100)}, {"b", ours, passes, slowing(200)}, {"c", ours, passes, slowing(400)}, {"libcrypto", peer, passes, slowing(400)},
	}
	r, err := runner.run(t.Context(), Config{Sizes: []int{1}, Time: time.Second, Elapsed: true, Peers: true})
	require.NoError(t, err)
	for i, want := range []float64{4, 2, 1, 1} {
		assert.InEpsilon(t, want, r.Results[i].Ratios["libcrypto"], 0.002, r.Results[i].Name)
	}
}

func TestCompareChooses(t *testing.T) {
	for name, test := range map[string]struct {
		names, want []string
	}{
		"without names":       {nil, []string{"fast", "slow", "narrow", "libcrypto", "crypto/rc4"}},
		"one":                 {[]string{"slow"}, []string{"slow", "libcrypto", "crypto/rc4"}},
		"a peer":              {[]string{"crypto/rc4", "fast"}, []string{"crypto/rc4", "fast", "libcrypto"}},
		"what is not RC4":     {[]string{"aes"}, []string{"aes", "libcrypto", "crypto/rc4"}},
		"what is another one": {[]string{"auto", "auto"}, []string{"auto", "libcrypto", "crypto/rc4"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := fakeComparison().run(t.Context(), Config{Names: test.names, Sizes: []int{16}, Time: MinTime, Peers: true})
			require.NoError(t, err)
			var got []string
			for _, result := range r.Results {
				got = append(got, result.Name)
			}
			assert.Equal(t, test.want, got)
			assert.Equal(t, []string{"libcrypto", "crypto/rc4"}, r.Peers, "the first is the one that tables show")
		})
	}
}

func TestCompareWithoutLibcrypto(t *testing.T) {
	runner := fakeComparison()
	runner.implementations = slices.DeleteFunc(runner.implementations, func(s implementation) bool { return s.name == "libcrypto" })
	r, err := runner.run(t.Context(), Config{Names: []string{"fast"}, Sizes: []int{16}, Time: MinTime, Peers: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"crypto/rc4"}, r.Peers)
	assert.InDeltaMapValues(t, map[string]float64{"crypto/rc4": 6}, r.Results[0].Ratios, 1e-9)
}

func TestWithoutPeersNoRatios(t *testing.T) {
	r, err := fakeComparison().run(t.Context(), Config{Sizes: []int{16}, Time: MinTime})
	require.NoError(t, err)
	assert.Empty(t, r.Peers)
	var names []string
	for _, result := range r.Results {
		names = append(names, result.Name)
		assert.Nil(t, result.Ratios)
	}
	assert.Equal(t, []string{"fast", "slow", "narrow", "aes", "libcrypto", "crypto/rc4"}, names)
}

func TestCompareTellsItsObserver(t *testing.T) {
	var seen recorder
	r, err := fakeComparison().run(t.Context(), Config{
		Names: []string{"fast"}, Sizes: []int{64}, Time: MinTime, Peers: true, Observer: &seen,
	})
	require.NoError(t, err)
	assert.Empty(t, seen.begun)
	assert.Equal(t, r.Results, seen.ended)
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, seen.done)
	assert.Equal(t, slices.Repeat([]int{leastRounds}, leastRounds+1), seen.all)
	require.Len(t, seen.cases, 3)
	assert.Equal(t, Case{"crypto/rc4", Stream, 64, MinTime, 1}, seen.cases[2])
}

// TestMRProgressOfAComparison has openssl's lines for every case of two sizes, measured twice.
func TestMRProgressOfAComparison(t *testing.T) {
	var out bytes.Buffer
	_, err := fakeComparison().run(t.Context(), Config{
		Names: []string{"fast"}, Sizes: []int{16, 64}, Time: MinTime, Peers: true, Count: 2,
		Observer: &MRProgress{Out: &out},
	})
	require.NoError(t, err)
	want := ""
	for _, size := range []string{"16", "64", "16", "64"} {
		for _, name := range []string{"fast", "libcrypto", "crypto/rc4"} {
			want += "+DT:" + name + ":0.001:" + size + "\n"
		}
		want += "+R:#:fast:#\n+R:#:libcrypto:#\n+R:#:crypto/rc4:#\n"
	}
	assert.Equal(t, want, regexp.MustCompile(`(\+R:)\d+(:.*:)[\d.]+\n`).ReplaceAllString(out.String(), "${1}#${2}#\n"))
}

func TestCompareInterrupted(t *testing.T) {
	for name, test := range map[string]struct {
		rounds, kept int
	}{
		"too early to count":      {fewestKept - 1, 0},
		"far enough for a result": {fewestKept, 3},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, err := fakeComparison().run(ctx, Config{
				Names: []string{"fast"}, Sizes: []int{16}, Peers: true, Observer: &interrupter{after: test.rounds, cancel: cancel},
			})
			require.NoError(t, err)
			assert.True(t, r.Interrupted)
			assert.Len(t, r.Results, test.kept)
		})
	}
}

// interrupter ends a comparison after so many rounds.
type interrupter struct {
	recorder
	after  int
	cancel func()
}

func (i *interrupter) Rounds(_ []Case, done, _ int) {
	if done == i.after {
		i.cancel()
	}
}

func TestCompareReportsWhatCannotBeSetUp(t *testing.T) {
	broken := errors.New("no memory")
	runner := fakeComparison()
	runner.implementations[0].works[Stream] = func(int, *timing.Keys) (timing.Work, error) { return nil, broken }
	_, err := runner.run(t.Context(), Config{Names: []string{"fast"}, Workers: 1, Peers: true})
	assert.ErrorIs(t, err, broken)
}

// TestCompareEndsWithSlowOperations looks that operations far longer than a slice do not make a
// comparison endless.
func TestCompareEndsWithSlowOperations(t *testing.T) {
	runner := fakeComparison()
	r, err := runner.run(t.Context(), Config{Names: []string{"narrow"}, Sizes: []int{MaxBytes}, Time: time.Second, Elapsed: true, Peers: true})
	require.NoError(t, err)
	// A slice is 24 ms, an operation of narrow 105 ms.
	took := runner.clock().Wall()
	assert.Less(t, took, 3*2*time.Second+2*time.Second)
	assert.InEpsilon(t, 0.03, r.Results[0].Ratios["libcrypto"], 1e-9)
}
