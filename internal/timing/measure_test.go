package timing

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// handClock is moved by hand. Of the time that passes, so many hundredths are CPU time.
type handClock struct {
	now    time.Duration
	share  time.Duration
	looked int
}

func (c *handClock) Wall() time.Duration { c.looked++; return c.now }
func (c *handClock) CPU() time.Duration  { return c.now * c.share / 100 }

func TestCalibrateFillsAChunk(t *testing.T) {
	const chunk = time.Millisecond
	for name, test := range map[string]struct {
		cost  time.Duration // of an operation, wall time
		share time.Duration
		least int
		most  int
	}{
		"fast":                  {time.Microsecond, 100, 500, 1001},
		"slow":                  {time.Second, 100, 1, 1},
		"waits for a processor": {time.Microsecond, 25, 2000, 4001},
		"no CPU time":           {time.Microsecond, 0, 500, 1001},
	} {
		t.Run(name, func(t *testing.T) {
			c := &handClock{share: test.share}
			work := func(n int) int { c.now += time.Duration(n) * test.cost; return n }
			n, took := Calibrate(t.Context(), work, c, chunk)
			assert.GreaterOrEqual(t, n, test.least)
			assert.LessOrEqual(t, n, test.most)
			assert.GreaterOrEqual(t, took, chunk/2)
		})
	}
}

func TestMeasureDividesBy(t *testing.T) {
	const total = 100 * time.Millisecond
	for name, test := range map[string]struct {
		share time.Duration
		wall  bool
		took  time.Duration
	}{
		"CPU time":       {50, false, total / 2},
		"wall time":      {50, true, total},
		"the wall clock": {0, false, total},
	} {
		t.Run(name, func(t *testing.T) {
			c := &handClock{share: test.share}
			work := func(n int) int { c.now += time.Duration(n) * time.Microsecond; return n }
			ops, took := Measure(t.Context(), work, c, 1000, total, test.wall)
			assert.Equal(t, uint64(100_000), ops)
			assert.Equal(t, test.took, took)
			assert.Less(t, c.looked, 110, "once a chunk")
		})
	}
}

func TestMeasureInterrupted(t *testing.T) {
	const total = 100 * time.Millisecond
	for name, test := range map[string]struct {
		at  time.Duration
		ops uint64
	}{
		"too early":  {total / 20, 0},
		"far enough": {total / 2, 50_000},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := &handClock{}
			work := func(n int) int {
				c.now += time.Duration(n) * time.Microsecond
				if c.now >= test.at {
					cancel()
				}
				return n
			}
			ops, _ := Measure(ctx, work, c, 1000, total, true)
			assert.Equal(t, test.ops, ops)
		})
	}
}
