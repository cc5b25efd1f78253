package memory

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const gib = 1 << 30

func TestPlan(t *testing.T) {
	for name, tc := range map[string]struct {
		mode    Mode
		machine Machine
		small   bool
		why     string
	}{
		"a router sold with 64 MB":         {Auto, Machine{Total: 58 * MiB, Available: 30 * MiB}, true, "the machine has 58 MB"},
		"one with 128 MB":                  {Auto, Machine{Total: 121 * MiB, Available: 80 * MiB}, true, "the machine has 121 MB"},
		"128 MB to the byte":               {Auto, Machine{Total: 128 * MiB}, true, "the machine has 128 MB"},
		"a byte more":                      {Auto, Machine{Total: 128*MiB + 1}, false, "there are 128 MB"},
		"one with 256 MB":                  {Auto, Machine{Total: 247 * MiB, Available: 180 * MiB}, false, "there are 247 MB"},
		"256 MB, nearly all taken":         {Auto, Machine{Total: 247 * MiB, Available: 39 * MiB}, true, "39 MB were available at the start"},
		"a large machine":                  {Auto, Machine{Total: 16 * gib, Available: 8 * gib}, false, "there are 16384 MB"},
		"a container on it with 96 MB":     {Auto, Machine{Total: 16 * gib, Available: 96 * MiB, Limit: 96 * MiB}, true, "the control group may have 96 MB"},
		"a container with 1 GB":            {Auto, Machine{Total: 16 * gib, Available: gib, Limit: gib}, false, "there are 1024 MB"},
		"nothing is known":                 {Auto, Machine{}, false, "this system does not say how much memory it has"},
		"only a limit is known":            {Auto, Machine{Limit: 64 * MiB}, true, "the control group may have 64 MB"},
		"small on a large machine":         {Small, Machine{Total: 16 * gib}, true, "--memory small"},
		"normal on a small one":            {Normal, Machine{Total: 58 * MiB}, false, "--memory normal"},
		"small where nothing is known":     {Small, Machine{}, true, "--memory small"},
		"a kernel without available bytes": {Auto, Machine{Total: 247 * MiB}, false, "there are 247 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			p := tc.mode.Plan(tc.machine)
			assert.Equal(t, tc.small, p.Small)
			assert.Equal(t, tc.why, p.Why)
			assert.Equal(t, SizesOf(tc.small), p.Sizes())
			assert.Equal(t, tc.small, p.Mode() == Small)
		})
	}
}

func TestParseMode(t *testing.T) {
	for _, m := range []Mode{Auto, Small, Normal} {
		got, err := ParseMode(m.String())
		require.NoError(t, err)
		assert.Equal(t, m, got)
	}
	_, err := ParseMode("tiny")
	assert.EqualError(t, err, `"tiny": must be auto, small, normal`)
	assert.Equal(t, "Mode(9)", Mode(9).String())
}

func TestText(t *testing.T) {
	for bytes, want := range map[uint64]string{0: "0 KB", 1 << 10: "1 KB", MiB - 1: "1023 KB", MiB: "1 MB", 58*MiB + 5: "58 MB"} {
		assert.Equal(t, want, Text(bytes))
	}
}

// TestSmallHoldsLess: no part of a small tunnel holds more than that of a normal one, and all have
// something.
func TestSmallHoldsLess(t *testing.T) {
	s, n := SizesOf(true), SizesOf(false)
	for name, pair := range map[string][2]int{
		"socket batch": {s.SocketBatch, n.SocketBatch}, "socket buffer": {s.SocketBuffer, n.SocketBuffer},
		"frames": {s.Frames, n.Frames}, "wide buffers": {s.WideBuffers, n.WideBuffers}, "reserves": {s.Reserves, n.Reserves},
	} {
		assert.Positive(t, pair[0], name)
		assert.Less(t, pair[0], pair[1], name)
	}
	assert.Zero(t, n.WindowHeld, "what a normal window holds only its reach bounds")
	assert.Zero(t, n.HeldByAll)
	assert.Positive(t, s.WindowHeld)
	assert.LessOrEqual(t, s.WindowHeld, s.HeldByAll)
	assert.Less(t, s.HeldByEvery, s.WindowHeld)
	assert.Zero(t, s.Frames&(s.Frames-1), "a power of two, for the kernel")
}

func TestSessionsIn(t *testing.T) {
	for name, tc := range map[string]struct {
		machine  Machine
		window   int
		sessions int
	}{
		"48 MB":                         {Machine{Total: 33 * MiB}, 2048, 8},
		"64 MB":                         {Machine{Total: 58 * MiB}, 2048, 19},
		"128 MB":                        {Machine{Total: 121 * MiB}, 2048, 49},
		"64 MB, windows twice as large": {Machine{Total: 58 * MiB}, 4096, 12},
		"64 MB, windows as large as can be: one session": {Machine{Total: 58 * MiB}, 1 << 20, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bytes := Small.Plan(tc.machine).SessionMemory()
			n := SessionsIn(bytes, tc.window)
			assert.Equal(t, tc.sessions, n)
			if n > 1 {
				assert.LessOrEqual(t, SharedBytes+n*SessionBytes(tc.window), bytes)
			}
			assert.Greater(t, SharedBytes+(n+1)*SessionBytes(tc.window), bytes)
		})
	}
	assert.Zero(t, Normal.Plan(Machine{Total: 58 * MiB}).SessionMemory(), "no bound")
	assert.Zero(t, Small.Plan(Machine{}).SessionMemory(), "no bound where nothing is known")
}
