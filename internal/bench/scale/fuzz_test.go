package scale

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
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
		plant func(*crowd)
		found string
	}{
		"a packet that is missing": {func(c *crowd) {
			c.dev.mu.Lock()
			defer c.dev.mu.Unlock()
			c.dev.next[0]++ // as if it had come
		}, "server: number 0 of session 0 came where 1 was next"},
		"a session that ends": {func(c *crowd) {
			c.guests[0].dev.start(1)
			c.guests[0].leave()
		}, "the legitimate client has ended"},
		"a goroutine that is left": {func(*crowd) { go func() { <-over }() }, "found unexpected goroutines"},
		"a descriptor that is left": {func(*crowd) {
			var err error
			file, err = os.Open(os.DevNull)
			require.NoError(t, err)
		}, "descriptors are open, where"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			r, err := Fuzz(ctx, FuzzConfig{Duration: 300 * time.Millisecond, Seed: 7, Rounds: 1, Peers: 1, plant: c.plant, lingering: 2 * time.Second})
			require.NoError(t, err)
			require.Contains(t, strings.Join(r.Faults, "\n"), c.found)
		})
	}
}

func TestFuzzRefusesNoTime(t *testing.T) {
	_, err := Fuzz(t.Context(), FuzzConfig{})
	require.ErrorContains(t, err, "must be more than 0")
}

// TestDiceAreTheSeeds: the same seed and life give the same chances, others do not, and all kinds
// of packets come up.
func TestDiceAreTheSeeds(t *testing.T) {
	throw := func(seed, life uint64) (out [][]byte) {
		d := newDice(seed, life)
		for range 3000 {
			out = append(out, d.message([]uint16{1, 2, 3}), d.frame(out[max(0, len(out)-20):]))
		}
		return out
	}
	a := throw(1, 2)
	require.Equal(t, a, throw(1, 2))
	require.NotEqual(t, a, throw(1, 3))
	types, protocols, sound := map[control.Type]int{}, map[uint16]int{}, 0
	for i, b := range a {
		if i%2 == 0 {
			if m, err := control.Parse(b); err == nil {
				types[m.Type()]++
			}
			continue
		}
		if proto, info, err := ppp.ParseFrame(b); err == nil {
			protocols[proto]++
			if len(info) >= 4 && int(info[2])<<8|int(info[3]) == len(info) && !bytes.Equal(info, nil) {
				sound++
			}
		}
	}
	for typ := control.TypeStartRequest; typ <= control.TypeSetLinkInfo; typ++ {
		assert.Positive(t, types[typ], typ)
	}
	for _, proto := range []uint16{ppp.ProtoLCP, ppp.ProtoPAP, ppp.ProtoCHAP, ppp.ProtoCCP, ppp.ProtoIPCP, ppp.ProtoIPV6CP, ppp.ProtoEAP, ppp.ProtoCompressed, ppp.ProtoIPv4} {
		assert.Positive(t, protocols[proto], "protocol %04x", proto)
	}
	assert.Greater(t, sound, 1000)
}
