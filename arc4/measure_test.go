package arc4

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/timing"
)

func TestMeasure(t *testing.T) {
	const d = time.Millisecond
	for _, b := range Backends() {
		for name, test := range map[string]struct {
			w            Workload
			size, inCall int
		}{
			"stream":    {Stream, 1400, 1},
			"packet":    {Packet, 1400, 1},
			"key setup": {Packet, 0, 1},
			"packets":   {Packets, 1, measuredBatch},
		} {
			t.Run(b.Name()+"/"+name, func(t *testing.T) {
				m, err := b.Measure(test.w, test.size, d)
				require.NoError(t, err)
				assert.GreaterOrEqual(t, m.Elapsed, d)
				assert.Positive(t, m.Operations)
				assert.Zero(t, m.Operations%uint64(test.inCall))
				assert.Equal(t, m.Operations*uint64(test.size), m.Bytes)
			})
		}
	}
}

func TestMeasureRefuses(t *testing.T) {
	var now time.Duration
	sound := newTimed("sound", &now, 0)
	for name, test := range map[string]struct {
		b    *Backend
		w    Workload
		size int
		d    time.Duration
		want string
	}{
		"no workload":     {sound, 3, 1, 1, "arc4: cannot measure Workload(3): give Stream, Packet or Packets"},
		"empty stream":    {sound, Stream, 0, 1, "arc4: cannot measure stream with 0 bytes: give 1 to 65536"},
		"empty packets":   {sound, Packets, 0, 1, "arc4: cannot measure packets with 0 bytes: give 1 to 65536"},
		"negative packet": {sound, Packet, -1, 1, "arc4: cannot measure packet with -1 bytes: give 0 to 65536"},
		"large packet":    {sound, Packet, 65537, 1, "arc4: cannot measure packet with 65537 bytes: give 0 to 65536"},
		"no time":         {sound, Stream, 1, 0, "arc4: cannot measure for 0s: give more than 0"},
		"other machine":   {newElsewhere(), Stream, 1, 1, `arc4: backend "elsewhere" cannot run here: it is for another machine`},
		"wrong output":    {newBroken(), Stream, 1, 1, `arc4: backend "broken" is unusable: self-test: `},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := test.b.Measure(test.w, test.size, test.d)
			require.ErrorContains(t, err, test.want)
			assert.Zero(t, m)
		})
	}
}

// calls counts what a backend is asked for.
type calls struct {
	timed
	keys  map[string]bool
	bytes int
}

func (c *calls) SetKey(key []byte) {
	c.keys[string(key)] = true
	c.timed.SetKey(key)
}

func (c *calls) XORKeyStream(dst, src []byte) {
	c.bytes += len(src)
	c.timed.XORKeyStream(dst, src)
}

// TestWorkUsesEveryKeyOnce looks that each kind of work asks the backend for what it stands for.
func TestWorkUsesEveryKeyOnce(t *testing.T) {
	for name, test := range map[string]struct {
		w           Workload
		size        int
		keys, bytes int
	}{
		"stream":    {Stream, 100, 1, 700},
		"packet":    {Packet, 100, 1 + 7, 700},
		"key setup": {Packet, 0, 1 + 7, 0},
		"packets":   {Packets, 100, 8, 800}, // four a call
	} {
		t.Run(name, func(t *testing.T) {
			var now time.Duration
			s := &calls{timed: timed{clock: &now}, keys: map[string]bool{}}
			b := newBackend("calls", "", func() stream { return s })
			work := b.newWork(test.w, test.size, 4, timing.NewKeys(1))
			assert.GreaterOrEqual(t, work(7), 7)
			assert.Len(t, s.keys, test.keys)
			assert.Equal(t, test.bytes, s.bytes)
		})
	}
}
