package reorder

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCostOfJump counts the slots and history words that the worst packet
// touches: a window full but for every other number, then a jump.
func TestCostOfJump(t *testing.T) {
	const size = 2048
	for _, policy := range []Policy{Order, Drop, Immediate} {
		for name, jump := range map[string]uint32{
			"1":          1,
			"size":       size,
			"2 sizes":    2 * size,
			"2^20":       1 << 20,
			"2^31 - 1":   1<<31 - 1,
			"2^31":       1 << 31,
			"2^31 + 1":   1<<31 + 1,
			"2^32 - 1":   1<<32 - 1,
			"2^32 - 2^9": 1<<32 - 512,
		} {
			t.Run(policy.String()+"/"+name, func(t *testing.T) {
				w, err := New(Config{Policy: policy})
				require.NoError(t, err)
				now := time.Unix(0, 0)
				deliver := func([]byte) {}
				w.Push(now, 0, nil, deliver)
				for seq := uint32(2); seq < size; seq += 2 {
					w.Push(now, seq, nil, deliver)
				}
				head := w.head
				before := w.visits
				w.Push(now, head+jump, nil, deliver)
				assert.LessOrEqual(t, w.visits-before, uint64(size+size/64+1))
			})
		}
	}
}

// TestCostOfForgedStream sends jump after jump, each as far as it can go.
func TestCostOfForgedStream(t *testing.T) {
	w, err := New(Config{})
	require.NoError(t, err)
	now := time.Unix(0, 0)
	const n = 1000
	for range n {
		head := w.head
		w.Push(now, head+1<<31-1, nil, func([]byte) {})
		packets, _ := w.Held()
		assert.LessOrEqual(t, packets, 1)
	}
	assert.Greater(t, w.span, uint64(n-1)<<30, "the jumps were followed")
	assert.LessOrEqual(t, w.visits, uint64(n*(2048+2048/64+1)))
}

// TestIdleSessionIsSmall: slots come with the first packet out of order, as
// many as its distance asks for.
func TestIdleSessionIsSmall(t *testing.T) {
	w, err := New(Config{})
	require.NoError(t, err)
	now := time.Unix(0, 0)
	for seq := range uint32(10_000) {
		w.Push(now, seq, nil, func([]byte) {})
	}
	assert.Empty(t, w.ring.slots)
	w.Push(now, 10_003, nil, func([]byte) {})
	assert.Len(t, w.ring.slots, firstSlots)
	w.Push(now, 10_000+2047, nil, func([]byte) {})
	assert.Len(t, w.ring.slots, 2048)
}

func TestNoAllocation(t *testing.T) {
	for _, policy := range []Policy{Order, Drop, Immediate} {
		t.Run(policy.String(), func(t *testing.T) {
			w, err := New(Config{Policy: policy, Timeout: time.Millisecond})
			require.NoError(t, err)
			p, deliver := make([]byte, 1400), func([]byte) {}
			now, base := time.Unix(0, 0), uint32(0)
			// The far packet lets the ring reach its full size in the warm-up.
			batch := func() {
				for _, d := range []uint32{0, 3, 1, 1, 2, 9, 700, 5, 2047, 4, 8} {
					w.Push(now, base+d, p, deliver)
				}
				now = now.Add(2 * time.Millisecond)
				w.Expire(now, deliver)
				base += 2048
			}
			batch()
			assert.Zero(t, testing.AllocsPerRun(200, batch))
		})
	}
}
