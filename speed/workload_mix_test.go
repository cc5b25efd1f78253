package speed

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/timing"
)

func TestMixLengths(t *testing.T) {
	lengths := mixLengths()
	require.Len(t, lengths, mixCount)
	require.Zero(t, mixCount%packetsPerCall)
	count := map[int]int{}
	sum, between := 0, 0
	for _, n := range lengths {
		require.GreaterOrEqual(t, n, mixShortest)
		require.LessOrEqual(t, n, mixLongest)
		count[n]++
		sum += n
		if n != 40 && n != 52 && n != 576 && n != 1400 {
			between++
		}
	}
	assert.Equal(t, mixMean*mixCount, sum, "the mean is exact")
	// Some of the others may have these lengths, too.
	assert.InDelta(t, 18*mixCount/64, count[40], 2)
	assert.InDelta(t, 12*mixCount/64, count[52], 2)
	assert.InDelta(t, 4*mixCount/64, count[576], 2)
	assert.InDelta(t, 20*mixCount/64, count[1400], 2)
	assert.InDelta(t, 10*mixCount/64, between, 5)
	assert.Greater(t, len(count), 120, "the lengths between differ")
	assert.Equal(t, lengths, mixLengths(), "they are the same every time")
	assert.Equal(t, firstMixLengths, lengths[:16], "and in every version, so that figures can be compared")
}

// TestMixWorkEncrypts looks that every packet has the length that the list says, and the key stream
// of its own key.
func TestMixWorkEncrypts(t *testing.T) {
	reference, err := arc4.Lookup("reference")
	require.NoError(t, err)
	for _, b := range arc4.Backends() {
		t.Run(b.Name(), func(t *testing.T) {
			w := newMixWork(b, timing.NewKeys(3))
			w.call()
			w.call()
			keys := timing.NewKeys(3)
			want := make([][]byte, packetsPerCall)
			for i := range 128 {
				if i < packetsPerCall {
					want[i] = make([]byte, mixLongest)
				}
				var key [timing.KeySize]byte
				keys.Fill(key[:])
				c, err := reference.New(key[:])
				require.NoError(t, err)
				packet := want[i%packetsPerCall][:mixLengths()[i]]
				c.XORKeyStream(packet, packet)
			}
			for i := range want {
				assert.Equal(t, want[i], w.jobs[i].Dst[:mixLongest])
			}
		})
	}
}

func TestMixHasOneSize(t *testing.T) {
	sizes, err := Mix.sizes([]int{16, MaxBytes})
	require.NoError(t, err)
	assert.Equal(t, []int{mixMean}, sizes)
}

var firstMixLengths = []int{1400, 52, 52, 40, 1400, 1400, 52, 40, 40, 40, 40, 1245, 1400, 40, 1400, 1400}
