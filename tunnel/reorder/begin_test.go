package reorder

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBeginPutsTheFirstPacketsInOrder(t *testing.T) {
	t0 := time.Unix(1000, 0)
	for _, c := range []struct {
		policy Policy
		want   []string
		stats  Stats
	}{
		{Order, []string{"8", "9", "10"}, Stats{Accepted: 3, Buffered: 1}},
		{Drop, []string{"9", "10"}, Stats{Accepted: 2, UnderWindow: 1}},
		{Immediate, []string{"9", "8", "10"}, Stats{Accepted: 3}},
	} {
		t.Run(c.policy.String(), func(t *testing.T) {
			w, err := New(Config{Policy: c.policy})
			require.NoError(t, err)
			var k taker
			w.Begin(t0, 8)
			for _, seq := range []uint32{9, 8, 10} {
				w.Push(t0, seq, []byte(map[uint32]string{8: "8", 9: "9", 10: "10"}[seq]), k.take)
			}
			w.Begin(t0, 100) // too late
			require.Equal(t, c.want, k.got)
			require.Equal(t, c.stats, w.Stats())
		})
	}
}
