package cmdline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/speed"
)

func TestSecondsFlag(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"3": 3 * time.Second, "0.5": 500 * time.Millisecond, "1e-3": time.Millisecond, "250ms": 250 * time.Millisecond, "1h": time.Hour,
	} {
		var got time.Duration
		require.NoError(t, (*Seconds)(&got).Set(text), text)
		assert.Equal(t, want, got, text)
	}
}

func TestSizesFlagReplacesTheDefaultOnce(t *testing.T) {
	sizes := []int{16, 64}
	f := Sizes{List: &sizes}
	assert.Equal(t, "16,64", f.String())
	require.NoError(t, f.Set("1, 2"))
	require.NoError(t, f.Set("3"))
	assert.Equal(t, []int{1, 2, 3}, sizes)
	assert.Error(t, f.Set("4,x"))
	assert.Equal(t, []int{1, 2, 3}, sizes, "a bad list changes nothing")
}

func FuzzSecondsFlag(f *testing.F) {
	for _, text := range []string{"3", "0.5", "500ms", "-1", "1e300", "NaN", "Inf", "", "1h1h", "0x1p-3"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := speed.DefaultTime
		err := (*Seconds)(&d).Set(text)
		if err == nil && (d < speed.MinTime || d > speed.MaxTime) {
			t.Fatalf("%q became %v", text, d)
		}
		if err != nil && d != speed.DefaultTime {
			t.Fatalf("refused %q changed the value to %v", text, d)
		}
	})
}

func FuzzSizesFlag(f *testing.F) {
	for _, text := range []string{"16", "16,64", ",", "", "0", "-1", "1048577", "99999999999999999999", " 7 "} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var sizes []int
		if err := (&Sizes{List: &sizes}).Set(text); err != nil && sizes != nil {
			t.Fatalf("refused %q left %v", text, sizes)
		}
		for _, n := range sizes {
			if n < 1 || n > speed.MaxBytes {
				t.Fatalf("%q became %v", text, sizes)
			}
		}
	})
}
