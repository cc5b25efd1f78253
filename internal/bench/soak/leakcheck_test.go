package soak

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/raceflag"
)

func TestRestFindsWhatIsLeft(t *testing.T) {
	r := newRest()
	r.lingering = 200 * time.Millisecond
	m, faults := r.check(t.Context())
	require.Empty(t, faults)
	assert.Positive(t, m.Heap)
	assert.Positive(t, m.Goroutines)

	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() { <-stop; close(ended) }()
	_, faults = r.check(t.Context())
	require.Len(t, faults, 1)
	assert.Contains(t, faults[0], "goroutines are left")
	assert.Contains(t, faults[0], "TestRestFindsWhatIsLeft", "whose it is")
	close(stop)
	<-ended
	_, faults = r.check(t.Context())
	require.Empty(t, faults)

	if openFiles() < 0 {
		return // this system does not tell
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "left open"))
	require.NoError(t, err)
	_, faults = r.check(t.Context())
	require.Len(t, faults, 1)
	assert.Contains(t, faults[0], "left open")
	require.NoError(t, f.Close())
	_, faults = r.check(t.Context())
	require.Empty(t, faults)
}

func TestMeasureSeesMemory(t *testing.T) {
	before := measure()
	block := make([]byte, 64<<20)
	for i := range block {
		block[i] = 1
	}
	held := measure()
	assert.GreaterOrEqual(t, held.Heap, uint64(len(block)))
	if held.RSS != 0 {
		assert.Greater(t, held.RSS, before.RSS+uint64(len(block))/2)
	}
	assert.EqualValues(t, 1, block[len(block)-1])
}

func samples(heap ...uint64) (all []Memory) {
	for _, h := range heap {
		all = append(all, Memory{Heap: h})
	}
	return all
}

func TestGrowth(t *testing.T) {
	for name, c := range map[string]struct {
		samples  []Memory
		from, to uint64
		known    bool
	}{
		"nothing":         {nil, 0, 0, false},
		"too few to tell": {samples(5, 5, 5, 5, 5, 9, 9, 9, 9), 0, 0, false},
		"spikes":          {samples(5, 99, 5, 5, 99, 5, 5, 99, 5, 99), 5, 5, true},
		"a step":          {samples(5, 5, 5, 5, 5, 6, 6, 6, 6, 6), 5, 6, true},
		"steadily on":     {samples(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), 3, 10, true},
		"it comes off":    {samples(9, 9, 9, 9, 9, 1, 1, 1, 1, 1), 9, 1, true},
	} {
		from, to, known := growth(c.samples, func(m Memory) uint64 { return m.Heap })
		assert.Equal(t, []any{c.from, c.to, c.known}, []any{from, to, known}, name)
	}
}

// A leak of one part in fifty is a fault, what is less is not, and what the warm-up takes is not
// looked at.
func TestMemoryFault(t *testing.T) {
	run := func(last uint64) *Result {
		return &Result{WarmUp: 2, Idle: samples(1, 2, 1000, 1000, 1000, 1000, 1000, 1000, 1000, last, last, last)}
	}
	assert.Empty(t, (&Result{}).memoryFault())
	assert.Empty(t, (&Result{WarmUp: 2, Idle: samples(1, 2, 1000, 2000)}).memoryFault(), "too short to tell")
	assert.Empty(t, run(1020).memoryFault())
	assert.Contains(t, run(1021).memoryFault(), "live heap at rest has grown from 1000 to 1021")
	rss := run(1000)
	for i := range rss.Idle {
		rss.Idle[i].RSS = uint64(1000 + 100*i)
	}
	if raceflag.Enabled {
		assert.Empty(t, rss.memoryFault())
	} else {
		assert.Contains(t, rss.memoryFault(), "resident memory")
	}
}
