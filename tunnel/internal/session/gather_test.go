package session

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// askedDevice gives one packet a read, and tells whether there is another.
type askedDevice struct {
	scriptedDevice
	asked int
}

func (d *askedDevice) Waiting() bool {
	d.asked++
	return len(d.steps) > 0
}

// numbered gives n packets in one read, the first of which has the number of the read.
func numbered(number byte, n int) func([][]byte, []int, int) (int, error) {
	return func(bufs [][]byte, sizes []int, offset int) (int, error) {
		for i := range n {
			bufs[i][offset], sizes[i] = number, 20
		}
		return n, nil
	}
}

func TestDeviceReaderGathersSmallPackets(t *testing.T) {
	for _, tc := range []struct {
		name  string
		reads []int // packets of each
		want  []int // read together
	}{
		{"one", []int{1}, []int{1}},
		{"three that wait", []int{1, 1, 1}, []int{3}},
		{"as many as need no others", []int{maxGather, 1}, []int{maxGather, 1}},
		{"small ones and then a whole batch", []int{1, 128, 1}, []int{129, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &askedDevice{}
			for i, n := range tc.reads {
				d.steps = append(d.steps, numbered(byte(i), n))
			}
			r := &DeviceReader{dev: d, more: newGatherer(d)}
			bufs, sizes := make([][]byte, 128+maxGather), make([]int, 128+maxGather)
			for i := range bufs {
				bufs[i] = make([]byte, headroom+64)
			}
			number := byte(0)
			var got []int
			for len(d.steps) > 0 {
				first := number
				n, err := r.read(bufs, sizes)
				require.NoError(t, err)
				require.Equal(t, first, bufs[0][headroom], "in their order")
				number = bufs[n-1][headroom] + 1
				got = append(got, n)
			}
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestDeviceReaderSendsWhatItGatheredBeforeAnError(t *testing.T) {
	seen := 0
	d := &askedDevice{}
	d.steps = append(d.steps, numbered(0, 1), fails, numbered(0, 1))
	r := &DeviceReader{dev: d, outgoing: outgoing{Routing: Routing{Session: func([]byte) *Session { seen++; return nil }}}}
	require.NoError(t, r.Run())
	assert.Equal(t, 2, seen)
}

func TestGathererStopsAskingWhereThereIsNeverMore(t *testing.T) {
	d := &askedDevice{}
	g := newGatherer(d)
	const reads = 1000
	for range reads {
		require.False(t, g.waiting())
	}
	assert.Less(t, d.asked, reads/maxMisses+maxMisses)

	d.steps = append(d.steps, fails)
	for !g.waiting() { // asks again before long
	}
	assert.True(t, g.waiting(), "after a hit it asks at once")
}

func TestGathererAsksOnlyWhoCanAnswer(t *testing.T) {
	g := newGatherer(&scriptedDevice{})
	assert.False(t, g.waiting())
}
