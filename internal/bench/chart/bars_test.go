//go:build !noplot

package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func sample(log bool) *Bars {
	return &Bars{
		Title: "A <title> & more", Unit: "Mbit/s", Log: log, Groups: []string{"3ms", "3ms±1ms"},
		Series: []Series{{"raw", []float64{500, 277}}, {"drop", []float64{237, 4.35}}, {"order", []float64{math.NaN(), 173}}},
	}
}

func TestSVGIsXMLWithEveryLabel(t *testing.T) {
	for _, log := range []bool{false, true} {
		var out bytes.Buffer
		require.NoError(t, sample(log).Write(&out, "svg"))
		text := ""
		for d := xml.NewDecoder(&out); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			if c, ok := token.(xml.CharData); ok {
				text += string(c) + "\n"
			}
		}
		for _, want := range []string{"A <title> & more", "Mbit/s", "3ms±1ms", "raw", "drop", "order", "4.35", "173"} {
			assert.Contains(t, text, want, "log %v", log)
		}
		assert.NotContains(t, text, "NaN")
	}
}

func TestPNGHasTheSizeAskedFor(t *testing.T) {
	b := sample(true)
	b.Width, b.Height = 640, 300
	var out bytes.Buffer
	require.NoError(t, b.Write(&out, "png"))
	picture, err := png.Decode(&out)
	require.NoError(t, err)
	assert.Equal(t, 640, picture.Bounds().Dx())
	assert.Equal(t, 300, picture.Bounds().Dy())
}

func TestRefused(t *testing.T) {
	uneven := sample(false)
	uneven.Series[0].Values = uneven.Series[0].Values[:1]
	require.ErrorContains(t, uneven.Write(io.Discard, "svg"), `series "raw" has 1 values for 2 groups`)
	empty := sample(false)
	empty.Series = nil
	require.ErrorContains(t, empty.Write(io.Discard, "svg"), "no value to draw")
	require.Error(t, sample(false).Write(io.Discard, "bmp"))
}

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]string{"a.svg": "svg", "dir/B.PNG": "png"} {
		got, err := FormatOf(name)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := FormatOf("a.jpg")
	require.ErrorContains(t, err, ".svg or .png")
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{1387.4: "1387", 99.6: "100", 22.73: "22.7", 20.0: "20", 4.354: "4.35", 4.8: "4.8", 3: "3", 0.17: "0.17"} {
		assert.Equal(t, want, short(v))
	}
}
