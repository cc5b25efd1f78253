package scale

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFuzzIsGood: a moment of hostile peers hurts nothing, and each kind of them has had its turn.
func TestFuzzIsGood(t *testing.T) {
	r, err := Fuzz(t.Context(), FuzzConfig{Duration: 3 * time.Second, Seed: 7, Rounds: 1, Peers: 8})
	require.NoError(t, err)
	t.Log(r)
	require.Empty(t, r.Faults)
	for what, n := range map[string]uint64{
		"hostile clients": r.Lives, "hostile servers": r.ServerLives, "calls": r.Calls, "messages": r.Messages, "frames": r.Frames,
		"forged": r.Forged, "packets": r.Packets, "traced": r.Traced,
	} {
		assert.Positive(t, n, what)
	}
}

// TestFuzzFindsFaults: whatever might go wrong is found.
func TestFuzzFindsFaults(t *testing.T) {
	over := make(chan struct{})
	var file *os.File
	t.Cleanup(func() {
		close(over)
		file.Close()
	})
	for name, c := range map[string]struct {
		plant func(*testbed)
		found string
	}{
		"a packet that is missing": {func(c *testbed) {
			c.device.mu.Lock()
			defer c.device.mu.Unlock()
			c.device.next[0]++ // as if it had come
		}, "server: number 0 of session 0 came where 1 was next"},
		"a session that ends": {func(c *testbed) {
			c.clients[0].device.start(1)
			c.clients[0].cancel()
		}, "the legitimate client has ended"},
		"a goroutine that is left": {func(*testbed) { go func() { <-over }() }, "found unexpected goroutines"},
		"a descriptor that is left": {func(*testbed) {
			var err error
			file, err = os.Open(os.DevNull)
			require.NoError(t, err)
		}, "descriptors are open, where"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			r, err := Fuzz(ctx, FuzzConfig{Duration: 300 * time.Millisecond, Seed: 7, Rounds: 1, Peers: 1, sabotage: c.plant, leakTimeout: 2 * time.Second})
			require.NoError(t, err)
			require.Contains(t, strings.Join(r.Faults, "\n"), c.found)
		})
	}
}

func TestFuzzRefusesNoTime(t *testing.T) {
	_, err := Fuzz(t.Context(), FuzzConfig{})
	require.ErrorContains(t, err, "must be more than 0")
}
