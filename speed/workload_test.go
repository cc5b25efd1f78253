package speed

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
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

func TestKeysDoNotComeBack(t *testing.T) {
	seen := map[[keySize]byte]bool{}
	for seed := range uint64(4) {
		keys := newKeySource(seed)
		for range 10000 {
			var key [keySize]byte
			keys.fill(key[:])
			require.False(t, seen[key])
			seen[key] = true
		}
	}
}

func TestKeySourceIsXorshift(t *testing.T) {
	// From Marsaglia's definition with the shifts 13, 7 and 17, one step from 1.
	k := &keySource{1}
	assert.Equal(t, uint64(0x40822041), k.next())
	assert.Equal(t, uint64(0x100041060c011441), k.next())
}

// TestWorkIsDone runs every workload of every subject, looks that it does as many operations as it says and, where the
// cipher can be rekeyed in place, that it does not allocate.
func TestWorkIsDone(t *testing.T) {
	inPlace := map[string]bool{}
	for _, b := range arc4.Backends() {
		inPlace[b.Name()] = true
	}
	for _, s := range subjects() {
		require.NoError(t, s.check())
		for _, w := range s.workloads() {
			for _, size := range []int{2, 16, 1400} {
				t.Run(s.name+"/"+string(w), func(t *testing.T) {
					work, err := s.works[w](size, newKeySource(1))
					require.NoError(t, err)
					for _, n := range []int{1, 63, 65} {
						done := work.run(n)
						assert.GreaterOrEqual(t, done, n)
						assert.Less(t, done, n+packetsPerCall)
					}
					if inPlace[s.name] && !raceEnabled { // the race detector's sync.Pool drops what it is given
						assert.Zero(t, testing.AllocsPerRun(20, func() { work.run(1) }))
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

// TestStreamWorkEncrypts looks that what is timed is the key stream, not an idle loop.
func TestStreamWorkEncrypts(t *testing.T) {
	for _, b := range arc4.Backends() {
		w, err := newStreamWork(b, 100, newKeySource(7))
		require.NoError(t, err)
		w.run(3)

		var key [keySize]byte
		newKeySource(7).fill(key[:])
		c, err := b.New(key[:])
		require.NoError(t, err)
		want := make([]byte, 100)
		for range 3 {
			c.XORKeyStream(want, want)
		}
		assert.Equal(t, want, w.(*streamWork).block, b.Name())
	}
}

// TestAESWorkRoundsUp looks that a block which is not a whole number of AES blocks is encrypted to its end.
func TestAESWorkRoundsUp(t *testing.T) {
	for size, want := range map[int]int{1: 16, 16: 16, 17: 32, 1400: 1408} {
		w, err := newAESWork(32, size, newKeySource(1))
		require.NoError(t, err)
		(*aesStream)(w).run(1)
		require.Len(t, w.block, want)
		assert.NotEqual(t, make([]byte, 16), w.block[want-16:])
	}
}

func TestPacketsLieApart(t *testing.T) {
	for _, size := range []int{1, 64, 1400, 4032, 4096, 8192, 16384, maxPacket} {
		stride := packetStride(size)
		assert.GreaterOrEqual(t, stride, size)
		assert.NotZero(t, stride%4096, "%d bytes", size)
		assert.Zero(t, stride%64)
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
		assert.Len(t, result.Samples, 2)
		assert.Equal(t, result.Ops, result.Samples[0].Ops+result.Samples[1].Ops)
		assert.Positive(t, result.OpsPerSecond())
	}
	assert.Equal(t, runtime.GOARCH, r.GOARCH)
	assert.NotEmpty(t, r.CPU.Brand)
	assert.Subset(t, Names(), strings.Split(r.Selected, ","), "one backend, or one for each workload")
	assert.NotEmpty(t, r.Why)
}

func TestThreadCPUTimeMoves(t *testing.T) {
	if !hasCPUTime {
		t.Skip("no CPU time on this system")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := newThreadClock()
	start := c.cpu()
	w, err := newStreamWork(arc4.Backends()[0], 1024, newKeySource(1))
	require.NoError(t, err)
	for c.cpu() <= start {
		w.run(100)
	}
}
