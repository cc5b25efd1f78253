package uplink

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestBackoff(t *testing.T) {
	now := time.Unix(1000, 0)
	var b backoff
	assert.True(t, b.allows(now), "nothing has failed yet")
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		b.failed(now)
		want *= time.Second
		assert.False(t, b.allows(now.Add(want-1)), want)
		assert.True(t, b.allows(now.Add(want)), want)
		now = now.Add(want)
	}
	b.worked()
	assert.True(t, b.allows(now))
	b.failed(now)
	assert.True(t, b.allows(now.Add(firstRetry)), "it starts over")
}
