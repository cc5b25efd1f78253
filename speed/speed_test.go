package speed

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/cputime"
	"github.com/arc4tun/arc4tun/internal/timing"
)

func TestRunDividesByCPUTime(t *testing.T) {
	for name, test := range map[string]struct {
		elapsed bool
		rate    float64
	}{
		"CPU time":  {false, 2e9}, // half of the time is CPU time
		"wall time": {true, 1e9},
	} {
		t.Run(name, func(t *testing.T) {
			if !cputime.Known {
				t.Skip("no CPU time on this system")
			}
			r, err := fakeRunner().run(t.Context(), Config{Names: []string{"fast"}, Sizes: []int{100}, Time: time.Second, Elapsed: test.elapsed})
			require.NoError(t, err)
			require.Len(t, r.Results, 1)
			assert.Equal(t, test.elapsed, r.Wall)
			assert.InEpsilon(t, test.rate, r.Results[0].BytesPerSecond(), 1e-9)
			assert.InEpsilon(t, test.rate, float64(r.Results[0].Ops)*100/r.Results[0].Seconds, 1e-9)
		})
	}
}

func TestRunEndsInTime(t *testing.T) {
	// A measurement may run over by one chunk of time and by one operation.
	for _, name := range []string{"fast", "slow", "narrow"} {
		for _, size := range []int{1, 1400, MaxBytes} {
			for _, total := range []time.Duration{MinTime, 50 * time.Millisecond, DefaultTime} {
				runner := fakeRunner()
				cfg := Config{Names: []string{name}, Sizes: []int{size}, Time: total, Elapsed: true}
				r, err := runner.run(t.Context(), cfg)
				require.NoError(t, err)
				require.Len(t, r.Results, 1)
				took := time.Duration(r.Results[0].Seconds * float64(time.Second))
				operation := took / time.Duration(r.Results[0].Ops)
				assert.GreaterOrEqual(t, took, total)
				assert.LessOrEqual(t, took, total+2*timing.MaxChunk+operation, "%s, %d bytes, %v", name, size, total)
			}
		}
	}
}

func TestRunOrder(t *testing.T) {
	var seen recorder
	r, err := fakeRunner().run(t.Context(), Config{
		Names: []string{"slow", "fast", "slow"}, Workloads: []Workload{KeySetup, Stream}, Sizes: []int{64, 16, 64},
		Time: MinTime, Count: 2, Observer: &seen,
	})
	require.NoError(t, err)
	once := []Case{
		{"slow", KeySetup, 0, MinTime, 1},
		{"fast", KeySetup, 0, MinTime, 1},
		{"slow", Stream, 64, MinTime, 1},
		{"slow", Stream, 16, MinTime, 1},
		{"fast", Stream, 64, MinTime, 1},
		{"fast", Stream, 16, MinTime, 1},
	}
	assert.Equal(t, append(once, once...), seen.begun)
	assert.Equal(t, 2*len(once), seen.planned)
	assert.Equal(t, r.Results, seen.ended)
}

func TestRunMeasuresEverythingByDefault(t *testing.T) {
	r, err := fakeRunner().run(t.Context(), Config{Time: MinTime})
	require.NoError(t, err)
	names := map[string]int{}
	for _, result := range r.Results {
		assert.Equal(t, Stream, result.Workload)
		names[result.Name]++
	}
	n := len(DefaultSizes)
	assert.Equal(t, map[string]int{"fast": n, "slow": n, "narrow": n}, names)
}

func TestRunEveryRC4(t *testing.T) {
	for _, w := range []Workload{Stream, KeySetup} { // which not every one has
		r, err := fakeComparison().run(t.Context(), Config{Names: []string{AllRC4}, Workloads: []Workload{w}, Sizes: []int{16}, Time: MinTime})
		require.NoError(t, err)
		var names []string
		for _, result := range r.Results {
			names = append(names, result.Name)
		}
		want := []string{"fast", "slow", "narrow", "libcrypto", "crypto/rc4"}
		if w == KeySetup {
			want = []string{"fast", "slow", "libcrypto"}
		}
		assert.Equal(t, want, names)
	}
}

// TestProgressOfALongRun says how long all of it takes, and what is left.
func TestProgressOfALongRun(t *testing.T) {
	for total, want := range map[time.Duration]string{
		5 * time.Second: "Doing fast for 5s on 16 size blocks: # fast's in 5.00s\nDoing slow for 5s on 16 size blocks: # slow's in 5.00s\n",
		10 * time.Second: "2 measurements take 20s in all\n" +
			"Doing fast for 10s on 16 size blocks: # fast's in 10.00s (1 of 2, 10s left)\nDoing slow for 10s on 16 size blocks: # slow's in 10.00s (2 of 2, 0s left)\n",
	} {
		var out bytes.Buffer
		_, err := fakeRunner().run(t.Context(), Config{Names: []string{"fast", "slow"}, Sizes: []int{16}, Time: total, Elapsed: true, Observer: &Progress{Out: &out}})
		require.NoError(t, err)
		assert.Equal(t, want, regexp.MustCompile(`: \d+ `).ReplaceAllString(out.String(), ": # "))
	}
}

func TestRunNeverTimesWhatIsBroken(t *testing.T) {
	var seen recorder
	r, err := fakeRunner().run(t.Context(), Config{Names: []string{"broken", "fast"}, Sizes: []int{16}, Time: MinTime, Observer: &seen})
	require.NoError(t, err)
	require.Len(t, r.Failed, 1)
	assert.Equal(t, "broken", r.Failed[0].Name)
	assert.ErrorIs(t, r.Err(), errBroken)
	assert.Len(t, r.Results, 1)
	for _, c := range seen.begun {
		assert.Equal(t, "fast", c.Name)
	}
}

func TestRunLeavesOutWhatCannotBe(t *testing.T) {
	r, err := fakeRunner().run(t.Context(), Config{Workloads: []Workload{Packets}, Sizes: []int{16}, Time: MinTime})
	require.NoError(t, err)
	require.Len(t, r.Results, 2, "narrow has no such workload")
	assert.Zero(t, r.Results[0].Ops%packetsPerCall)
}

func TestRunInterrupted(t *testing.T) {
	for name, test := range map[string]struct {
		at   time.Duration // of the second measurement
		kept int
	}{
		"too early to count":         {DefaultTime / 100, 1},
		"far enough for a result":    {DefaultTime / 2, 2},
		"during the second's set-up": {0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := &fakeClock{}
			var second time.Duration
			runner := fakeRunner()
			runner.clock = func() timing.Clock { return c }
			runner.implementations = []implementation{{"one", ours, passes, map[Workload]makeWork{
				Stream: func(size int, _ *timing.Keys) (timing.Work, error) {
					w := &fakeWork{clock: c, cost: time.Microsecond, step: 1}
					if size == 2 {
						second = c.now
						w.after = func() {
							if c.now-second > test.at {
								cancel()
							}
						}
					}
					return w.run, nil
				},
			}}}
			r, err := runner.run(ctx, Config{Sizes: []int{1, 2, 3}, Elapsed: true})
			require.NoError(t, err)
			assert.True(t, r.Interrupted)
			assert.Len(t, r.Results, test.kept)
		})
	}
}

func TestRunRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"unknown name":          {Config{Names: []string{"rot13"}}, `unknown name "rot13": give any of fast, slow, broken, narrow, or rc4 for every RC4`},
		"unknown workload":      {Config{Workloads: []Workload{"x"}}, `unknown workload "x": give any of stream, packet, packets, mix, keysetup, mppe, mppe-batch, mppe-sessions`},
		"name without workload": {Config{Names: []string{"narrow"}, Workloads: []Workload{KeySetup}}, "narrow has no workload keysetup, only stream"},
		"no bytes":              {Config{Sizes: []int{16, 0}}, "cannot measure stream with 0 bytes: give sizes of 1 to 1048576 bytes"},
		"too many bytes":        {Config{Sizes: []int{MaxBytes + 1}}, "cannot measure stream with 1048577 bytes: give sizes of 1 to 1048576 bytes"},
		"no packet":             {Config{Workloads: []Workload{Packets}, Sizes: []int{65537}}, "cannot measure packets with 65537 bytes: give sizes of 1 to 65536 bytes"},
		"no PPP packet":         {Config{Workloads: []Workload{MPPE}, Sizes: []int{1}}, "cannot measure mppe with 1 bytes: give sizes of 2 to 65536 bytes"},
		"no time":               {Config{Time: -1}, "cannot measure for -1ns: give 1ms to 1h0m0s"},
		"too much time":         {Config{Time: 2 * time.Hour}, "cannot measure for 2h0m0s: give 1ms to 1h0m0s"},
		"no workers":            {Config{Workers: -1}, "cannot measure with -1 workers: give 1 to 256"},
		"too many workers":      {Config{Workers: 257}, "cannot measure with 257 workers: give 1 to 256"},
		"never":                 {Config{Count: -1}, "cannot measure -1 times: give 1 to 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fakeRunner().run(t.Context(), test.cfg)
			var bad *ConfigError
			require.ErrorAs(t, err, &bad)
			assert.EqualError(t, err, test.want)
		})
	}
}

func TestRunReportsWhatCannotBeSetUp(t *testing.T) {
	broken := errors.New("no memory")
	runner := fakeRunner()
	runner.implementations[0].works[Stream] = func(int, *timing.Keys) (timing.Work, error) { return nil, broken }
	_, err := runner.run(t.Context(), Config{Names: []string{"fast"}, Workers: 3})
	assert.ErrorIs(t, err, broken)
}

func TestCombineAddsUpRates(t *testing.T) {
	r, ok := combine(Case{Bytes: 10, Workers: 2}, []sample{{ops: 100, seconds: 1}, {ops: 600, seconds: 2}})
	require.True(t, ok)
	assert.Equal(t, uint64(700), r.Ops)
	assert.InEpsilon(t, 400, r.OpsPerSecond(), 1e-9)
	assert.InEpsilon(t, 4000, r.BytesPerSecond(), 1e-9)
	_, ok = combine(Case{}, []sample{{ops: 100, seconds: 1}, {}})
	assert.False(t, ok, "one worker was stopped before it had measured anything")
}

func TestMedianOfRepetitions(t *testing.T) {
	c := Case{Name: "fast", Workload: Stream, Bytes: 1}
	report := &Report{names: []string{"fast"}}
	for _, seconds := range []float64{5, 1, 4} {
		report.Results = append(report.Results, Result{Case: c, Ops: 20, Seconds: seconds})
	}
	sections := report.sections()
	require.Len(t, sections, 1)
	assert.InEpsilon(t, 5, sections[0].rows[0].results[0].BytesPerSecond(), 1e-9)
	assert.InEpsilon(t, 4, sections[0].spread.share, 1e-9)

	var out bytes.Buffer
	require.NoError(t, report.WriteTable(&out))
	assert.Contains(t, out.String(), "Medians; repetitions differ by up to 400% (fast, 1 bytes).\n")
}
