package suspend

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLook(t *testing.T) {
	total := 7 * time.Hour
	d := NewDetector(func() time.Duration { return total })
	for _, c := range []struct{ more, want time.Duration }{
		{0, 0},
		{-time.Millisecond, 0},
		{time.Millisecond, 0},
		{900 * time.Millisecond, 0},
		{100 * time.Millisecond, time.Second}, // little by little is a sleep too
		{0, 0},
		{8 * time.Hour, 8 * time.Hour},
		{999 * time.Millisecond, 0},
	} {
		total += c.more
		assert.Equal(t, c.want, d.Look(), "%v more", c.more)
	}
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var total atomic.Int64
		d := NewDetector(func() time.Duration { return time.Duration(total.Load()) })
		done, woken, ended := make(chan struct{}), make(chan time.Duration, 1), make(chan struct{})
		go func() {
			defer close(ended)
			d.Watch(done, woken)
		}()
		time.Sleep(time.Hour)
		assert.Empty(t, woken)
		synctest.Wait()
		total.Store(int64(time.Minute))
		start := time.Now()
		assert.Equal(t, time.Minute, <-woken)
		assert.LessOrEqual(t, time.Since(start), every)
		for range 3 { // nobody listens
			synctest.Wait()
			total.Add(int64(time.Hour))
			time.Sleep(every)
		}
		synctest.Wait()
		assert.Equal(t, time.Hour, <-woken, "the last alone")
		assert.Empty(t, woken)
		close(done)
		<-ended
	})
}

// TestSystem: a machine that is not suspended meanwhile has not been.
func TestSystem(t *testing.T) {
	d := NewDetector(System)
	assert.GreaterOrEqual(t, System(), -time.Second)
	for range 1000 {
		assert.Zero(t, d.Look())
	}
}
