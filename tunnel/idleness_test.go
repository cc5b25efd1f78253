package tunnel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestIdleness(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := time.Second
	i := idleness{limit: 160 * s}
	look := func(after time.Duration, packets uint64) time.Duration {
		now = now.Add(after)
		return i.look(now, packets)
	}
	assert.Equal(t, 10*s, look(0, 5), "the first look begins the time, whatever has passed before")
	assert.Equal(t, 10*s, look(100*s, 5))
	assert.Equal(t, 10*s, look(50*s, 6), "a packet")
	assert.Equal(t, 10*s, look(150*s, 6))
	assert.Equal(t, s/2, look(9500*time.Millisecond, 6))
	assert.Equal(t, time.Duration(0), look(s/2, 6))
	i.rest()
	assert.Equal(t, 10*s, look(1000*s, 6), "after a rest it begins anew")
	i = idleness{limit: 2 * s}
	assert.Equal(t, s, look(0, 0), "looks are a second apart at least")
	i = idleness{}
	assert.Equal(t, time.Hour, look(0, 0))
	assert.Equal(t, time.Hour, look(1000*time.Hour, 0), "no limit")
}
