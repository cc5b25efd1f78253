package link

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLateness(t *testing.T) {
	var l Lateness
	assert.Zero(t, l.Quantile(0.5))
	for i := range 1000 {
		l.add(time.Duration(i+1) * time.Microsecond)
	}
	assert.Equal(t, uint64(1000), l.Count())
	assert.Equal(t, time.Millisecond, l.Max())
	for q, want := range map[float64]time.Duration{
		0: time.Microsecond, 0.5: 500 * time.Microsecond, 0.99: 990 * time.Microsecond, 1: time.Millisecond,
	} {
		got := l.Quantile(q)
		assert.GreaterOrEqual(t, got, want, "%v", q)
		assert.LessOrEqual(t, got, want+want/16, "%v", q)
	}
}

func TestLatenessBuckets(t *testing.T) {
	for _, late := range []time.Duration{0, 1, 15, 16, 17, 31, 32, 33, 1023, 1024, 1<<39 - 1} {
		var l Lateness
		l.add(late)
		l.max = 1 << 62 // so that the end of the bucket shows
		assert.GreaterOrEqual(t, l.Quantile(1), late)
		assert.LessOrEqual(t, l.Quantile(1), late+late/16)
	}
	var l Lateness
	l.add(-time.Second)
	l.add(100 * time.Hour)
	assert.Equal(t, time.Duration(0), l.Quantile(0.5), "early is not late")
	assert.Equal(t, 100*time.Hour, l.Quantile(1), "beyond the last bucket")
}
