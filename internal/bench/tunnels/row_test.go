package tunnels

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseRow(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		text string
		want Row
		back string // what it writes itself as
	}{
		{"none", Row{0, 0, SmallWindow}, "none"},
		{"none/64k", Row{0, 0, 64 << 10}, "none/64k"},
		{"3ms", Row{3 * ms, 0, SmallWindow}, "3ms"},
		{"3ms/256k", Row{3 * ms, 0, SmallWindow}, "3ms"},
		{"3ms±1ms", Row{3 * ms, ms, SmallWindow}, "3ms±1ms"},
		{"3ms+-500us", Row{3 * ms, ms / 2, SmallWindow}, "3ms±500µs"},
		{"200ms±50ms/8m", Row{200 * ms, 50 * ms, LargeWindow}, "200ms±50ms/8m"},
		{"1s/5000", Row{time.Second, 0, 5000}, "1s/5000"},
		{"1s/1MB", Row{time.Second, 0, 1 << 20}, "1s/1m"},
	} {
		got, err := ParseRow(c.text)
		require.NoError(t, err, c.text)
		assert.Equal(t, c.want, got, c.text)
		assert.Equal(t, c.back, got.String(), c.text)
		again, err := ParseRow(got.String())
		require.NoError(t, err)
		assert.Equal(t, got, again, c.text)
	}
}

func TestParseRowRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "want none, or a delay",
		"3":                  "want none, or a delay",
		"fast":               "want none, or a delay",
		"3ms±1":              `jitter "1"`,
		"3ms±":               `jitter ""`,
		"3ms±4ms":            "must not exceed the delay",
		"3ms±-1ms":           "must not exceed the delay",
		"-3ms":               "must be 0s to 10s",
		"11s":                "must be 0s to 10s",
		"3ms/":               `TCP window ""`,
		"3ms/1":              "want 4k to 64m",
		"3ms/65m":            "want 4k to 64m",
		"3ms/-1k":            "want 4k to 64m",
		"3ms/9999999999999m": "want 4k to 64m",
		"none±1ms":           "want none, or a delay",
	} {
		_, err := ParseRow(text)
		assert.ErrorContains(t, err, want, text)
	}
}

func FuzzParseRow(f *testing.F) {
	for _, r := range DefaultRows() {
		f.Add(r.String())
	}
	f.Add("3ms+-1ms/1m")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRow(text)
		if err != nil {
			return
		}
		again, err := ParseRow(r.String())
		require.NoError(t, err, "%q from %q", r.String(), text)
		require.Equal(t, r, again)
	})
}

func TestParseColumn(t *testing.T) {
	for _, c := range Columns() {
		got, err := ParseColumn(string(c))
		require.NoError(t, err)
		assert.Equal(t, c, got)
	}
	_, err := ParseColumn("Order")
	require.ErrorContains(t, err, "raw, drop, order, immediate")
}
