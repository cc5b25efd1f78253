package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBreather(t *testing.T) {
	type step struct {
		after   time.Duration // since the last batch was done
		packets int
		cost    time.Duration
	}
	trickle := func(n int, cost time.Duration) (s []step) {
		for range n {
			s = append(s, step{100 * time.Microsecond, 1, cost})
		}
		return s
	}
	tests := []struct {
		name  string
		steps []step
		want  time.Duration // the last pause
	}{
		{"the first packets are not delayed", trickle(warmUp, 10*time.Microsecond), 0},
		{"a trickle is gathered", trickle(100, 5*time.Microsecond), minNap},
		{"the pause grows with what a small batch costs", trickle(400, 100*time.Microsecond), 800 * time.Microsecond},
		{"and has an end", trickle(100, 10*time.Millisecond), maxNap},
		{"a quiet time ends it", append(trickle(100, 5*time.Microsecond), step{soon + 1, 1, 5 * time.Microsecond}), 0},
		{"full batches need none", append(trickle(100, 5*time.Microsecond), step{100 * time.Microsecond, fullBatch, time.Millisecond}), 0},
		{"pings are not delayed", []step{{time.Second, 1, 10 * time.Microsecond}, {time.Second, 1, 10 * time.Microsecond}, {10 * time.Millisecond, 1, 10 * time.Microsecond}}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b coalescer
			now := time.Unix(1000, 0)
			var got time.Duration
			for _, s := range tt.steps {
				begun := now.Add(s.after)
				now = begun.Add(s.cost)
				got = 0
				if b.eager(s.packets) {
					got = b.pause(begun, now)
				}
			}
			require.InDelta(t, tt.want, got, float64(5*time.Microsecond))
		})
	}
}
