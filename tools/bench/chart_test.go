package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDrawChart(t *testing.T) {
	got := measureFake(t)
	var out bytes.Buffer
	require.NoError(t, drawChart(&out, got))
	var words []string
	d := xml.NewDecoder(bytes.NewReader(out.Bytes()))
	inText := false
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		switch x := token.(type) {
		case xml.StartElement:
			inText = x.Name.Local == "text"
		case xml.CharData:
			if s := strings.TrimSpace(string(x)); inText && s != "" {
				words = append(words, s)
			}
		case xml.EndElement:
			inText = false
		}
	}
	assert.Equal(t, []string{
		"RC4 on one core: Some <CPU>",
		"arc4 amd64-avx512", "arc4 amd64-sse41", "arc4 amd64", "OpenSSL libcrypto", "arc4 unrolled (pure Go)", "Go crypto/rc4", "arc4 reference (pure Go)",
	}, words[:8], "the fastest first")
	for _, want := range []string{"1100 MB/s · 2.20x", "500 MB/s · 1.00x", "300 MB/s · 0.60x"} {
		n := 0
		for _, w := range words {
			if w == want {
				n++
			}
		}
		assert.Equal(t, len(panels), n, want)
	}
	assert.Contains(t, words[len(words)-1], "OpenSSL 3.0.22")
	assert.NotContains(t, strings.ToLower(out.String()), "fill:#ffffff", "the paper is the page's")
	assert.Contains(t, out.String(), "font-family:Liberation Sans,Arial,Helvetica,sans-serif;")
	assert.Less(t, out.Len(), 20000)
}
