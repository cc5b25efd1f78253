package session

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBelief(t *testing.T) {
	tests := []struct {
		name string
		seqs []uint32
		want []verdict
		last uint32
	}{
		{"the first number is taken whatever it is", []uint32{1 << 31}, []verdict{believed}, 1 << 31},
		{"near numbers in any order", []uint32{10, 12, 11, 2057, 12}, []verdict{believed, believed, believed, believed, believed}, 2057},
		{"one far number moves nothing", []uint32{10, 1 << 30, 11}, []verdict{believed, disbelieved, believed}, 11},
		{"fifty equal far numbers move nothing", append([]uint32{10}, repeat(uint32(1<<30), 50)...), append([]verdict{believed}, repeat(disbelieved, 50)...), 10},
		{"a far run is believed at its third packet", []uint32{10, 5000, 5001, 5002, 5003}, []verdict{believed, disbelieved, disbelieved, moved, believed}, 5003},
		{"a far run backward too", []uint32{50000, 1, 2, 3, 4}, []verdict{believed, disbelieved, disbelieved, moved, believed}, 4},
		{"a near packet ends a far run", []uint32{10, 5000, 5001, 11, 5002, 5003, 5004}, []verdict{believed, disbelieved, disbelieved, believed, disbelieved, disbelieved, moved}, 5004},
		{"reordering within a far run", []uint32{10, 5002, 5000, 5001, 5003}, []verdict{believed, disbelieved, disbelieved, moved, believed}, 5003},
		{"wraps at 2^32", []uint32{0xFFFFFFFE, 0xFFFFFFFF, 0, 1}, []verdict{believed, believed, believed, believed}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b belief
			got := make([]verdict, len(tt.seqs))
			for i, seq := range tt.seqs {
				got[i] = b.judge(seq)
			}
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.last, b.last)
		})
	}
}

func repeat[T any](v T, n int) []T {
	s := make([]T, n)
	for i := range s {
		s[i] = v
	}
	return s
}

func TestBeliefFollowsAtMostAStride(t *testing.T) {
	var b belief
	b.follow(100)
	require.Equal(t, uint32(100), b.last, "the first number starts it")
	b.follow(110)
	require.Equal(t, uint32(110), b.last)
	b.follow(1000)
	require.Equal(t, uint32(110+stride), b.last, "a forged frame pulls no further")
	b.follow(5)
	require.Equal(t, uint32(110+stride), b.last, "never backward")
	b.follow(1 << 31)
	require.Equal(t, uint32(110+stride), b.last, "never far")
}

func FuzzBelief(f *testing.F) {
	f.Add(uint32(0), []byte{1, 2, 3, 0xFF, 0x80})
	f.Add(uint32(0xFFFFFFF0), []byte{0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, seq uint32, steps []byte) {
		var b belief
		for _, step := range steps {
			seq += uint32(int32(int8(step)) << (step & 15))
			before := b
			v := b.judge(seq)
			if v == disbelieved {
				require.Equal(t, before.last, b.last, "what is not believed moves nothing")
				require.False(t, before.isNear(seq))
			} else {
				require.True(t, b.isNear(seq))
			}
		}
	})
}

// What a window that reaches further can still put in its place is no stream that has moved.
func TestBeliefReachesAsFarBackAsTheWindow(t *testing.T) {
	b := belief{reach: 8192}
	for _, seq := range []uint32{1, 2000, 4000, 6000, 8000, 10_000, 2100, 2101, 2102, 2103, 9999} {
		require.Equal(t, believed, b.judge(seq), "number %d", seq)
	}
	require.EqualValues(t, 10_000, b.last)
	require.Equal(t, disbelieved, b.judge(10_000+Near), "ahead it is as far as ever")
	require.Equal(t, disbelieved, b.judge(1))
}
