package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/speed"
)

func TestVerdict(t *testing.T) {
	for name, test := range map[string]struct {
		reached, asked float64
		want           string
	}{
		"more":      {2.4, 2.1, "reached"},
		"just":      {2.1, 2.1, "reached"},
		"less":      {1.89, 2.1, "MISSED by 10%"},
		"far below": {1, 4, "MISSED by 75%"},
		"a trifle":  {1.998, 2, "MISSED by 0.1%"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, verdict(test.reached, test.asked)) })
	}
}

func TestWriteText(t *testing.T) {
	got := measureFake(t)
	var out bytes.Buffer
	require.NoError(t, writeText(&out, tabulate(rows(fakeBackends()), got), got.machine))
	assert.Equal(t, `Some <CPU> (with AVX-512), linux/amd64, go1.26.8, OpenSSL 3.0.22, rc4(8x,int).
How many times as fast as libcrypto, with one thread, in turns, with fresh keys: the median of 3 runs.

work                                                    asked  reached  in the runs  this project  libcrypto  backend
one stream, calls of 1400 B                             1.4    2.20     2.20 - 2.20  1100 MB/s     500 MB/s   amd64                reached
one stream, calls of 16 B                               1.0    2.20     2.20 - 2.20  35 MB/s       16 MB/s    amd64                reached
key set-up alone                                        2.2    2.20     2.20 - 2.20  455 ns        1000 ns    amd64                reached
packet: key set-up + 1400 B, one at a time              1.5    2.20     2.20 - 2.20  1100 MB/s     500 MB/s   amd64                reached
packets: 64 x 1400 B at once                            2.1    2.20     2.20 - 2.20  1100 MB/s     500 MB/s   amd64-avx512         reached
packets: 64 x 64 B at once                              3.3    2.20     2.20 - 2.20  141 MB/s      64 MB/s    amd64-avx512         MISSED by 33%
packets: 64 of a real mix of lengths at once            2.0    2.20     2.20 - 2.20  1100 MB/s     500 MB/s   amd64-avx512         reached
mppe: one session, batches of 64 x 1400 B               2.0    2.20     2.20 - 2.20  1100 MB/s     500 MB/s   amd64, amd64-avx512  reached
mppe: eight sessions, 64 x 1400 B at once               2.3    2.20     2.20 - 2.20  1100 MB/s     500 MB/s   amd64, amd64-avx512  MISSED by 4%
pure Go: one stream, calls of 1400 B                    0.9    0.80     0.80 - 0.80  400 MB/s      500 MB/s   unrolled             MISSED by 11%
pure Go: packets, 64 x 1400 B at once                   1.1    0.80     0.80 - 0.80  400 MB/s      500 MB/s   unrolled             MISSED by 27%
amd64 for every processor: one stream, calls of 1400 B  1.3    1.40     1.40 - 1.40  700 MB/s      500 MB/s   amd64                reached
amd64 without AVX-512: packets, 64 x 1400 B at once     1.7    1.60     1.60 - 1.60  800 MB/s      500 MB/s   amd64-sse41          MISSED by 6%
`, out.String())
}

func TestWriteMarkdown(t *testing.T) {
	got := measureFake(t)
	got.figures[keySetup][selected] = figures{ratios: []float64{1.9, 2.5, 2.6, 2.2, 2.3}, each: []float64{4e-7}}
	var out bytes.Buffer
	require.NoError(t, writeMarkdown(&out, tabulate(rows(fakeBackends())[2:3], got), got.machine))
	assert.Equal(t, `<!-- written by make bench -->
Some &lt;CPU> (with AVX-512), linux/amd64, go1.26.8, OpenSSL 3.0.22, rc4(8x,int).
How many times as fast as libcrypto, with one thread, in turns, with fresh keys: the median of 3 runs.

| work | asked | reached | in the runs | this project | libcrypto | backend | |
| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |
| key set-up alone | 2.2 | 2.30 | 1.90 - 2.60 (5) | 400 ns | 1000 ns | amd64 | reached |

The mix is `+speed.Mix.What()+`.
`, out.String())
}
