package reorder

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const ms = time.Millisecond

func TestAdaptiveTimeout(t *testing.T) {
	type event struct {
		at     time.Duration
		waited time.Duration // of a packet that came; negative: it came after it had been given up
	}
	times := func(n int, waited time.Duration) (all []event) {
		for i := range n {
			all = append(all, event{time.Duration(i) * 100 * ms, waited})
		}
		return all
	}
	later := func(all []event, by time.Duration) []event {
		for i := range all {
			all[i].at += by
		}
		return all
	}
	for _, tc := range []struct {
		name   string
		events []event
		want   time.Duration
	}{
		{"nothing is known", nil, 333 * ms},
		{"too little is known", times(minWaits-1, 0), 333 * ms},
		{"what is missing never comes", times(minWaits, 0), minTimeout},
		{"it comes at once", times(minWaits, ms), minTimeout},
		{"it comes later", times(minWaits, 40*ms), 80 * ms},
		{"one comes later, the others do not", append(times(20, 0), event{2 * time.Second, 40 * ms}), 80 * ms},
		{"it comes when hardly anybody waits any more", times(minWaits, 300*ms), 333 * ms},
		{"it comes too late", append(times(20, 0), event{2 * time.Second, -1}), 20 * ms},
		{"and again", append(times(20, 0), event{2 * time.Second, -1}, event{2 * time.Second, -1}), 40 * ms},
		{"and again and again", append(times(20, 0), slices.Repeat([]event{{2 * time.Second, -1}}, 9)...), 333 * ms},
		{"that was long ago", append(times(20, 40*ms), later(times(20, ms), 31*time.Second)...), 80 * ms},
		{"that was very long ago", append(append(times(20, 40*ms), later(times(20, ms), 31*time.Second)...), later(times(20, ms), 62*time.Second)...), minTimeout},
		{"few waits since, however long ago", append(times(20, 40*ms), event{time.Hour, ms}, event{2 * time.Hour, ms}), 80 * ms},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := adaptiveTimeout{max: 333 * ms}
			fixed := adaptiveTimeout{max: 333 * ms, fixed: true}
			for _, e := range tc.events {
				if e.waited < 0 {
					p.late(e.at, 0)
					fixed.late(e.at, 0)
					continue
				}
				p.filled(e.at, e.waited)
				fixed.filled(e.at, e.waited)
			}
			assert.Equal(t, tc.want, p.now(0))
			assert.Equal(t, 333*ms, fixed.now(0), "who does not learn")
		})
	}
	quiet := adaptiveTimeout{max: 333 * ms}
	assert.Equal(t, 333*ms, quiet.now(minNumbers-1))
	assert.Equal(t, minTimeout, quiet.now(minNumbers), "a long stream without any wait")
	quiet.filled(0, 30*ms)
	assert.Equal(t, 60*ms, quiet.now(minNumbers))
	short := adaptiveTimeout{max: 2 * ms}
	for range minWaits {
		short.expired(0)
	}
	assert.Equal(t, 2*ms, short.now(0), "never longer than Timeout")
}

// TestWindowLearnsThatALinkLosesWithoutReordering: each loss would stop the stream for Timeout.
func TestWindowLearnsThatALinkLosesWithoutReordering(t *testing.T) {
	w, err := New(Config{})
	require.NoError(t, err)
	now := time.Unix(1000, 0)
	var stalls []time.Duration
	deliver := func([]byte) {}
	seq := uint32(0)
	for range 2 * minWaits {
		for range 20 {
			w.Push(now, seq, nil, deliver)
			seq++
			now = now.Add(ms)
		}
		seq++ // lost
		w.Push(now, seq, nil, deliver)
		seq++
		at, ok := w.Deadline()
		require.True(t, ok)
		assert.Equal(t, w.Wait(), at.Sub(now))
		stalls = append(stalls, at.Sub(now))
		now = at
		w.Expire(now, deliver)
	}
	assert.Equal(t, DefaultTimeout, stalls[0])
	assert.Equal(t, DefaultTimeout, stalls[minWaits-1])
	assert.Equal(t, minTimeout, stalls[minWaits])

	// A packet that comes after it was given up makes it careful again; one that is not new does
	// not.
	w.Push(now, seq-2, nil, deliver)
	w.Push(now, seq-3, nil, deliver)
	assert.Equal(t, 2*minTimeout, w.Wait())
}
