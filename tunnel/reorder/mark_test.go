package reorder

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// taker collects what a window delivers.
type taker struct{ got []string }

func (t *taker) take(p []byte) { t.got = append(t.got, string(p)) }

func TestMark(t *testing.T) {
	t0 := time.Unix(1000, 0)
	type op func(w *Window, k *taker)
	push := func(seq uint32, p string) op {
		return func(w *Window, k *taker) { w.Push(t0, seq, []byte(p), k.take) }
	}
	mark := func(seq uint32) op { return func(w *Window, k *taker) { w.Mark(seq, k.take) } }
	expire := func(w *Window, k *taker) { w.Expire(t0.Add(time.Hour), k.take) }
	tests := []struct {
		name   string
		policy Policy
		ops    []op
		want   []string
		stats  Stats
		held   int
	}{
		{"at the head lets what waits behind it go", Order, []op{push(1, "1"), push(3, "3"), mark(2)},
			[]string{"1", "3"}, Stats{Accepted: 2, Buffered: 1, Marked: 1}, 0},
		{"ahead of the head is passed when its turn comes", Order, []op{push(1, "1"), mark(3), push(4, "4"), push(2, "2")},
			[]string{"1", "2", "4"}, Stats{Accepted: 3, Buffered: 1, Marked: 1}, 0},
		{"directly after the next packet", Order, []op{push(1, "1"), mark(3), push(2, "2"), push(4, "4")},
			[]string{"1", "2", "4"}, Stats{Accepted: 3, Marked: 1}, 0},
		{"alone starts no wait", Order, []op{push(1, "1"), mark(9), expire, push(2, "2")},
			[]string{"1", "2"}, Stats{Accepted: 2}, 0},
		{"gives way to data that waits", Order, []op{push(1, "1"), mark(3), push(3, "3"), push(2, "2")},
			[]string{"1", "2", "3"}, Stats{Accepted: 3, Buffered: 1}, 0},
		{"does not displace data", Order, []op{push(1, "1"), push(3, "3"), mark(3), push(2, "2")},
			[]string{"1", "2", "3"}, Stats{Accepted: 3, Buffered: 1}, 0},
		{"is not lost in a jump", Order, []op{push(1, "1"), mark(3), push(5000, "x"), expire},
			[]string{"1", "x"}, Stats{Accepted: 2, Buffered: 1, Lost: 4997, Marked: 1}, 0},
		{"before the first packet is ignored", Order, []op{mark(1), push(1, "1")},
			[]string{"1"}, Stats{Accepted: 1}, 0},
		{"behind the head is ignored", Order, []op{push(5, "5"), mark(4), mark(5), push(6, "6")},
			[]string{"5", "6"}, Stats{Accepted: 2}, 0},
		{"beyond the window is ignored", Order, []op{push(1, "1"), mark(1 << 31), mark(2 + 2048), push(2, "2")},
			[]string{"1", "2"}, Stats{Accepted: 2}, 0},
		{"twice counts once", Order, []op{push(1, "1"), mark(2), mark(2), push(3, "3")},
			[]string{"1", "3"}, Stats{Accepted: 2, Marked: 1}, 0},
		{"under drop is not lost", Drop, []op{push(1, "1"), mark(3), push(4, "4")},
			[]string{"1", "4"}, Stats{Accepted: 2, Lost: 1, Marked: 1}, 0},
		{"under immediate is not lost", Immediate, []op{push(1, "1"), mark(2), push(3, "3")},
			[]string{"1", "3"}, Stats{Accepted: 2, Marked: 1}, 0},
		{"gives way to data that comes after the head has passed", Order, []op{push(1, "1"), mark(2), push(2, "2"), push(3, "3")},
			[]string{"1", "2", "3"}, Stats{Accepted: 3}, 0},
		{"gives way once", Order, []op{push(1, "1"), mark(2), push(2, "2"), push(2, "again"), push(3, "3")},
			[]string{"1", "2", "3"}, Stats{Accepted: 3, Duplicated: 1}, 0},
		{"gives way under drop", Drop, []op{push(1, "1"), mark(2), push(3, "3"), push(2, "2")},
			[]string{"1", "3", "2"}, Stats{Accepted: 3}, 0},
		{"gives way under immediate", Immediate, []op{push(1, "1"), mark(2), push(3, "3"), push(2, "2"), push(2, "again")},
			[]string{"1", "3", "2"}, Stats{Accepted: 3, Duplicated: 1}, 0},
		{"wraps at 2^32", Order, []op{push(0xFFFFFFFE, "a"), mark(0xFFFFFFFF), mark(0), push(1, "b")},
			[]string{"a", "b"}, Stats{Accepted: 2, Marked: 2}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, err := New(Config{Policy: tt.policy})
			require.NoError(t, err)
			var k taker
			for _, o := range tt.ops {
				o(w, &k)
			}
			require.Equal(t, tt.want, k.got)
			require.Equal(t, tt.stats, w.Stats())
			held, _ := w.Held()
			require.Equal(t, tt.held, held)
		})
	}
}

func TestRestartTakesTheNextPacketAsTheFirst(t *testing.T) {
	w, err := New(Config{})
	require.NoError(t, err)
	var k taker
	now := time.Unix(1000, 0)
	w.Push(now, 10, []byte("10"), k.take)
	w.Push(now, 12, []byte("12"), k.take)
	w.Mark(14, k.take)
	w.Restart(k.take)
	w.Push(now, 3, []byte("3"), k.take)
	w.Push(now, 4, []byte("4"), k.take)
	require.Equal(t, []string{"10", "12", "3", "4"}, k.got)
	require.Equal(t, Stats{Accepted: 4, Buffered: 1, Lost: 1}, w.Stats())
}
