package leakcheck

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckFindsWhatIsLeft(t *testing.T) {
	b := NewBaseline(200 * time.Millisecond)
	require.Empty(t, b.Check(t.Context()))
	m := MeasureLeast()
	assert.Positive(t, m.Heap)
	assert.Positive(t, m.Goroutines)

	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() { <-stop; close(ended) }()
	faults := b.Check(t.Context())
	require.Len(t, faults, 1)
	assert.Contains(t, faults[0], "goroutines are left")
	assert.Contains(t, faults[0], "TestCheckFindsWhatIsLeft", "whose it is")
	close(stop)
	<-ended
	require.Empty(t, b.Check(t.Context()))

	if openFiles() < 0 {
		return // this system does not tell
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "left open"))
	require.NoError(t, err)
	faults = b.Check(t.Context())
	require.Len(t, faults, 1)
	assert.Contains(t, faults[0], "left open")
	require.NoError(t, f.Close())
	require.Empty(t, b.Check(t.Context()))
}

func TestMeasureSeesMemory(t *testing.T) {
	before := Measure()
	block := make([]byte, 64<<20)
	for i := range block {
		block[i] = 1
	}
	held := Measure()
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
		from, to, known := Growth(c.samples, func(m Memory) uint64 { return m.Heap })
		assert.Equal(t, []any{c.from, c.to, c.known}, []any{from, to, known}, name)
	}
}
