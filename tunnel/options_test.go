package tunnel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

func TestOptionsThatCannotWork(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		text string
	}{
		"a large MTU":               {Options{MTU: 1501}, "MTU 1501"},
		"a small MTU":               {Options{MTU: 575}, "MTU 575"},
		"an echo without a pause":   {Options{EchoInterval: 1}, "EchoInterval 1ns"},
		"a window of no power of 2": {Options{Reorder: reorder.Config{Size: 1000}}, "window 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.o.withDefaults()
			require.ErrorContains(t, err, c.text)
		})
	}
	for _, d := range []time.Duration{-1, 0, MinEchoInterval, time.Hour} {
		_, err := Options{EchoInterval: d}.withDefaults()
		assert.NoError(t, err, d)
	}
}

// TestClockIsSetBack: what is to happen in a second still happens in a second.
func TestClockIsSetBack(t *testing.T) {
	at := time.Unix(1e9, 0)
	o, err := Options{Now: func() time.Time { return at }}.withDefaults()
	require.NoError(t, err)
	start := o.Now()
	for _, step := range []struct{ clock, passes time.Duration }{
		{time.Second, time.Second}, {-time.Hour, 0}, {time.Second, time.Second}, {-time.Second, 0}, {time.Hour, time.Hour}, {1, 1},
	} {
		before := o.Now()
		at = at.Add(step.clock)
		assert.Equal(t, step.passes, o.Now().Sub(before), step.clock)
	}
	assert.Equal(t, time.Hour+2*time.Second+1, o.Now().Sub(start))
}
