package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
	"github.com/arc4tun/arc4tun/speed"
)

// fakeBackends are those of an amd64 with everything.
func fakeBackends() backends {
	return backends{
		all:      []string{"reference", "unrolled", "amd64", "amd64-sse41", "amd64-avx512"},
		portable: []string{"reference", "unrolled"},
		chosen:   map[arc4.Workload]string{arc4.Stream: "amd64", arc4.Packet: "amd64", arc4.Packets: "amd64-avx512"},
	}
}

// fakeRatios are how many times as fast as libcrypto what has a name is; libcrypto does a byte in 2
// ns.
var fakeRatios = map[string]float64{
	"reference": 0.5, "unrolled": 0.8, "amd64": 1.4, "amd64-sse41": 1.6, "amd64-avx512": 2.2, "auto": 2.2, "crypto/rc4": 0.6, "libcrypto": 1,
}

// fakeMeasurer measures with numbers of fakeRatios, changed by change for every run.
func fakeMeasurer(o options, change func(run int, j job, name string) float64) (m *measurer, asked *[]speed.Config) {
	m = newMeasurer(fakeBackends(), o, newProgress(io.Discard))
	asked = new([]speed.Config)
	times := map[job]int{}
	m.measure = func(_ context.Context, cfg speed.Config) (*speed.Report, error) {
		*asked = append(*asked, cfg)
		j := job{workload: cfg.Workloads[0]}
		bytes := 607
		if len(cfg.Sizes) > 0 {
			j.bytes, bytes = cfg.Sizes[0], cfg.Sizes[0]
		}
		if j.workload == speed.KeySetup {
			bytes = 0
		}
		r := &speed.Report{GOOS: "linux", GOARCH: "amd64", Libcrypto: "OpenSSL 3.0.22, rc4(8x,int)", CPU: speed.CPU{Brand: "Some <CPU>", Features: []string{"AVX512F"}}}
		for _, name := range append(cfg.Names, libcrypto.Name, goPeer) {
			ratio := fakeRatios[name] * change(times[j], j, name)
			each := 2e-9 * float64(max(bytes, 500)) / ratio
			r.Results = append(r.Results, speed.Result{
				Case: speed.Case{Name: name, Workload: j.workload, Bytes: bytes}, Ops: 1000, Seconds: 1000 * each,
				Ratios: map[string]float64{libcrypto.Name: ratio},
			})
		}
		times[j]++
		return r, nil
	}
	return m, asked
}

func steady(int, job, string) float64 { return 1 }

func measureFake(t *testing.T) *measured {
	t.Helper()
	m, _ := fakeMeasurer(options{runs: 3, time: time.Second}, steady)
	got, err := m.all(t.Context())
	require.NoError(t, err)
	got.machine.goVersion = "go1.26.8"
	return got
}

func TestEveryRowIsMeasured(t *testing.T) {
	m, asked := fakeMeasurer(options{runs: 2, time: time.Second}, steady)
	got, err := m.all(t.Context())
	require.NoError(t, err)
	require.Len(t, *asked, 2*len(jobs))
	for i, cfg := range *asked {
		assert.True(t, cfg.Peers)
		assert.Equal(t, time.Second, cfg.Time)
		assert.Contains(t, cfg.Names, "auto")
		assert.Equal(t, []speed.Workload{jobs[i%len(jobs)].workload}, cfg.Workloads, "the runs of a job lie apart")
	}
	for _, r := range rows(fakeBackends()) {
		_, f := got.best(r)
		assert.Len(t, f.ratios, 2, r.what)
		assert.Len(t, got.figures[r.job][libcrypto.Name].each, 2, r.what)
	}
}

func TestBestOfARow(t *testing.T) {
	got := measureFake(t)
	var names []string
	for _, r := range rows(fakeBackends()) {
		name, _ := got.best(r)
		names = append(names, name)
	}
	assert.Equal(t, []string{
		"auto", "auto", "auto", "auto", "auto", "auto", "auto", "auto", "auto", "unrolled", "unrolled", "amd64", "amd64-sse41",
	}, names)
}

func TestRowsOfOtherMachines(t *testing.T) {
	list := rows(backends{all: []string{"reference", "mipsle"}, portable: []string{"reference"}})
	require.Len(t, list, 11)
	for _, r := range list {
		assert.NotContains(t, r.what, "amd64")
	}
}

func TestDisputedRunsAreRepeated(t *testing.T) {
	for name, test := range map[string]struct {
		change func(run int, j job, name string) float64
		want   map[job]int // runs of those that have not three
		ratio  float64     // of the mix
	}{
		"all agree": {steady, nil, 2.2},
		"within the tolerance": {func(run int, _ job, _ string) float64 { return 1 + 0.04*float64(run) },
			nil, 2.2 * 1.04},
		"one outlier": {func(run int, j job, name string) float64 {
			if run == 1 && j == mixedPackets && name == selected {
				return 0.5
			}
			return 1
		}, map[job]int{mixedPackets: 5}, 2.2},
		"what no row is about": {func(run int, _ job, name string) float64 {
			if name == "reference" || name == goPeer {
				return 1 / (1 + float64(run))
			}
			return 1
		}, nil, 2.2},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := fakeMeasurer(options{runs: 3}, test.change)
			got, err := m.all(t.Context())
			require.NoError(t, err)
			for _, j := range jobs {
				want := 3
				if n, there := test.want[j]; there {
					want = n
				}
				assert.Len(t, got.figures[j][selected].ratios, want, j)
			}
			assert.InEpsilon(t, test.ratio, got.figures[mixedPackets][selected].ratio(), 1e-9)
		})
	}
}

func TestMeasuringStops(t *testing.T) {
	broken := errors.New("no memory")
	for name, test := range map[string]struct {
		report *speed.Report
		err    error
		want   string
	}{
		"an error":       {nil, broken, "no memory"},
		"an interrupt":   {&speed.Report{Interrupted: true}, nil, "interrupted: nothing is written"},
		"a wrong result": {&speed.Report{Failed: []speed.Failure{{Name: "u32", Err: broken}}}, nil, "u32 failed its self-test and was not timed: no memory"},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := fakeMeasurer(options{runs: 3}, steady)
			m.measure = func(context.Context, speed.Config) (*speed.Report, error) { return test.report, test.err }
			_, err := m.all(t.Context())
			assert.EqualError(t, err, test.want)
		})
	}
}

func TestMedian(t *testing.T) {
	for name, test := range map[string]struct {
		list []float64
		want float64
	}{
		"none": {nil, 0}, "one": {[]float64{4}, 4}, "odd": {[]float64{9, 1, 2}, 2}, "even": {[]float64{8, 1, 4, 2}, 3},
	} {
		t.Run(name, func(t *testing.T) { assert.InDelta(t, test.want, median(test.list), 1e-12) })
	}
}

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

func TestSave(t *testing.T) {
	got := measureFake(t)
	o := options{dir: filepath.Join(t.TempDir(), "doc", "bench")}
	require.NoError(t, o.save(tabulate(rows(fakeBackends()), got), got))
	for name, begin := range map[string]string{tableFile: "<!--", chartFile: "<?xml"} {
		text, err := os.ReadFile(filepath.Join(o.dir, name))
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(text), begin), name)
	}
	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o644))
	assert.Error(t, options{dir: blocked}.save(nil, got))
}

func TestRefuses(t *testing.T) {
	err := options{runs: 0}.run(t.Context(), io.Discard, io.Discard)
	if libcrypto.Built {
		assert.EqualError(t, err, "cannot measure 0 times: give 1 or more")
	} else {
		assert.ErrorContains(t, err, "this build has no libcrypto; use make bench")
	}
}

func TestProgressInAFile(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	p.start(2)
	p.next(oneStream)
	p.Rounds(nil, 1, 11)
	p.Begin(speed.Case{})
	p.End(speed.Result{})
	p.next(keySetup)
	p.more(1)
	p.next(oneStream)
	p.end()
	assert.Equal(t, "measuring 1 of 2: stream 1400 B\nmeasuring 2 of 2: keysetup\nmeasuring 3 of 3: stream 1400 B\n", out.String())
}

// TestReadBackends looks that what this machine has is told apart.
func TestReadBackends(t *testing.T) {
	b, err := readBackends()
	require.NoError(t, err)
	assert.Contains(t, b.portable, "unrolled")
	assert.NotContains(t, b.portable, "amd64")
	for _, w := range arc4.Workloads() {
		assert.Contains(t, b.all, b.chosen[w])
	}
	for _, name := range b.withoutAVX512() {
		assert.NotContains(t, name, "avx512")
	}
	assert.Contains(t, fmt.Sprint(speed.Names()), selected)
}

func TestChosenFor(t *testing.T) {
	b := fakeBackends()
	for w, want := range map[speed.Workload]string{
		speed.Stream: "amd64", speed.KeySetup: "amd64", speed.Packet: "amd64", speed.Packets: "amd64-avx512",
		speed.Mix: "amd64-avx512", speed.MPPE: "amd64", speed.MPPEBatch: "amd64, amd64-avx512", speed.MPPESessions: "amd64, amd64-avx512",
	} {
		assert.Equal(t, want, b.chosenFor(w), w)
	}
}
