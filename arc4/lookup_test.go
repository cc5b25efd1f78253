package arc4

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// notAsked stands for a selection that nothing is left to.
func notAsked(t *testing.T) func(Workload) (*Backend, error) {
	return func(w Workload) (*Backend, error) {
		t.Helper()
		t.Errorf("the selection was asked for %v", w)
		return nil, nil
	}
}

func TestLookupNames(t *testing.T) {
	all := []*Backend{newTimed("one", new(time.Duration), 0), newElsewhere()}
	b, err := lookup(all, "one", notAsked(t))
	require.NoError(t, err)
	assert.Equal(t, "one", b.Name())

	_, err = lookup(all, "fancy", notAsked(t))
	require.EqualError(t, err, `arc4: unknown backend "fancy", known are auto, one, elsewhere`)
	_, err = lookup(all, "elsewhere", notAsked(t))
	require.EqualError(t, err, `arc4: backend "elsewhere" cannot run here: it is for another machine`)
	_, err = lookup(all, "one,elsewhere", notAsked(t))
	require.EqualError(t, err, `arc4: backend "elsewhere" cannot run here: it is for another machine`)
}

func TestLookup(t *testing.T) {
	for _, b := range Backends() {
		got, err := Lookup(b.Name())
		require.NoError(t, err)
		assert.Same(t, b, got)
	}
	for _, b := range Known() {
		if b.Missing() != "" {
			_, err := Lookup(b.Name())
			assert.ErrorContains(t, err, b.Missing())
		}
	}
	_, err := Lookup("aes")
	require.ErrorContains(t, err, `unknown backend "aes", known are auto, reference, u32, unrolled, `)
}

func TestLookupSeveral(t *testing.T) {
	for _, c := range []struct {
		asked, name             string
		stream, packet, packets string
	}{
		{"u32", "u32", "u32", "u32", "u32"},
		{"u32,u32", "u32", "u32", "u32", "u32"},
		{"u32,u32,u32", "u32", "u32", "u32", "u32"},
		{"u32,unrolled", "u32,unrolled", "u32", "unrolled", "unrolled"},
		{"u32,unrolled,unrolled", "u32,unrolled", "u32", "unrolled", "unrolled"},
		{"u32,u32,unrolled", "u32,u32,unrolled", "u32", "u32", "unrolled"},
		{"u32,unrolled,u32", "u32,unrolled,u32", "u32", "unrolled", "u32"},
		{"u32,unrolled,reference", "u32,unrolled,reference", "u32", "unrolled", "reference"},
	} {
		t.Run(c.asked, func(t *testing.T) {
			b, err := Lookup(c.asked)
			require.NoError(t, err)
			assert.Equal(t, c.name, b.Name())
			assert.Equal(t, c.stream, b.For(Stream).Name())
			assert.Equal(t, c.packet, b.For(Packet).Name())
			assert.Equal(t, c.packets, b.For(Packets).Name())
			assert.NoError(t, b.SelfTest())
			assert.Equal(t, b.For(Packets).Streams(), b.Streams())
			for _, name := range []string{c.asked, c.name} {
				again, err := Lookup(name)
				require.NoError(t, err)
				assert.Same(t, b, again, "of %s", name)
			}
		})
	}
}

func TestForItself(t *testing.T) {
	for _, b := range Backends() {
		for _, w := range Workloads() {
			assert.Same(t, b, b.For(w))
		}
	}
	for _, w := range []Workload{-1, workloads} {
		assert.Equal(t, "no workload", w.String())
		assert.Panics(t, func() { Backends()[0].For(w) })
	}
}
