package speed

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/cputime"
	"github.com/arc4tun/arc4tun/internal/raceflag"
	"github.com/arc4tun/arc4tun/internal/timing"
)

func TestParseWorkloads(t *testing.T) {
	for name, test := range map[string]struct {
		in   []string
		want []Workload
		err  string
	}{
		"one":     {in: []string{"mppe"}, want: []Workload{MPPE}},
		"order":   {in: []string{"mppe", "stream", "mppe"}, want: []Workload{MPPE, Stream}},
		"all":     {in: []string{"all"}, want: Workloads()},
		"first":   {in: []string{"mppe", "all"}, want: []Workload{MPPE, Stream, Packet, Packets, Mix, KeySetup, MPPEBatch, MPPESessions}},
		"none":    {err: "no workload: give all or any of stream, packet, packets, mix, keysetup, mppe, mppe-batch, mppe-sessions"},
		"unknown": {in: []string{"bulk"}, err: `unknown workload "bulk": give all or any of stream, packet, packets, mix, keysetup, mppe, mppe-batch, mppe-sessions`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseWorkloads(test.in)
			if test.err != "" {
				require.EqualError(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

// TestWorkIsDone runs every workload of every implementation, looks that it does as many operations
// as it says and, where the cipher can be rekeyed in place, that it does not allocate.
func TestWorkIsDone(t *testing.T) {
	inPlace := map[string]bool{}
	for _, b := range arc4.Backends() {
		inPlace[b.Name()] = true
	}
	for _, s := range implementations() {
		require.NoError(t, s.check())
		for _, w := range s.workloads() {
			for _, size := range []int{2, 16, 1400} {
				t.Run(s.name+"/"+string(w), func(t *testing.T) {
					work, err := s.works[w](size, timing.NewKeys(1))
					require.NoError(t, err)
					for _, n := range []int{1, 63, 65} {
						done := work(n)
						assert.GreaterOrEqual(t, done, n)
						assert.Less(t, done, n+packetsPerCall)
					}
					// The race detector's sync.Pool drops what it is given.
					if inPlace[s.name] && !raceflag.Enabled {
						assert.Zero(t, testing.AllocsPerRun(20, func() { work(1) }))
					}
				})
			}
		}
	}
}

func TestEveryCipherOfTheIssueIsThere(t *testing.T) {
	names := Names()
	for _, want := range []string{"reference", "u32", "unrolled", "aes-128-cbc", "aes-256-cbc", "crypto/rc4"} {
		assert.Contains(t, names, want)
	}
}

// TestAESWorkRoundsUp looks that a block which is not a whole number of AES blocks is encrypted to
// its end.
func TestAESWorkRoundsUp(t *testing.T) {
	for size, want := range map[int]int{1: 16, 16: 16, 17: 32, 1400: 1408} {
		w := newAESWork(32, size, timing.NewKeys(1))
		w.encrypt()
		require.Len(t, w.block, want)
		assert.NotEqual(t, make([]byte, 16), w.block[want-16:])
	}
}

// TestRunForReal measures a moment with the real clock, as far as the numbers can be relied on.
func TestRunForReal(t *testing.T) {
	r, err := Run(t.Context(), Config{
		Names: []string{"reference", "crypto/rc4"}, Workloads: Workloads(), Sizes: []int{16}, Time: MinTime, Workers: 2, Version: "test",
	})
	require.NoError(t, err)
	assert.Len(t, r.Results, 2*len(Workloads()))
	for _, result := range r.Results {
		assert.Len(t, result.samples, 2)
		assert.Equal(t, result.Ops, result.samples[0].ops+result.samples[1].ops)
		assert.Positive(t, result.OpsPerSecond())
	}
	assert.Equal(t, runtime.GOARCH, r.GOARCH)
	assert.NotEmpty(t, r.CPU.Brand)
	assert.Subset(t, Names(), strings.Split(r.Selected, ","), "one backend, or one for each workload")
	assert.NotEmpty(t, r.Why)
}

func TestThreadCPUTimeMoves(t *testing.T) {
	if !cputime.Known {
		t.Skip("no CPU time on this system")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := newThreadClock()
	start := c.CPU()
	w, err := newStreamWork(arc4.Backends()[0], 1024, timing.NewKeys(1))
	require.NoError(t, err)
	for c.CPU() <= start {
		w(100)
	}
}
