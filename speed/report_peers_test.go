package speed

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"
)

// exampleComparison has a peer that does not do everything, and repetitions.
func exampleComparison(t *testing.T) *Report {
	t.Helper()
	r, err := fakeReport(t.Context(), fakeComparison(), Config{
		Names: []string{"fast", "slow"}, Workloads: []Workload{Stream, KeySetup},
		Sizes: []int{16, 1400}, Time: time.Second, Elapsed: true, Peers: true,
	})
	require.NoError(t, err)
	return r
}

func TestWriteTableOfAComparison(t *testing.T) {
	for name, test := range map[string]struct{ libcrypto, line string }{
		"with libcrypto": {"OpenSSL 3.0.22, rc4(8x,int)", "libcrypto: OpenSSL 3.0.22, rc4(8x,int)"},
		"without": {"", "libcrypto: not in this build; go build -tags libcrypto ./cmd/arc4 " +
			"(with cgo, a C compiler and OpenSSL's headers: libssl-dev on Debian)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := exampleComparison(t)
			r.Libcrypto = test.libcrypto
			var out bytes.Buffer
			require.NoError(t, r.WriteTable(&out))
			_, table, _ := strings.Cut(out.String(), "(fastest of 2)\n")
			assert.Equal(t, `measured: 1 thread, elapsed time, in turns; behind each figure how many times as fast as libcrypto it is
`+test.line+`
The 'numbers' are in 1000s of bytes per second processed.
type             16 bytes           1400 bytes
fast           1000000.00k   3.00x  1000000.00k   3.00x
slow            100000.00k   0.30x   100000.00k   0.30x
libcrypto       333333.33k   1.00x   333333.33k   1.00x
crypto/rc4      166666.67k   0.50x   166666.67k   0.50x

keysetup: a fresh 16-byte key, nothing encrypted
type            time each    each second
fast          0.000001000s      1000000.0   5.00x
slow          0.000010000s       100000.0   0.50x
libcrypto     0.000005000s       200000.0   1.00x
`, table)
		})
	}
}

// TestRatiosOfRepetitions looks that the ratio shown is the median of the ratios, not that of the
// median rate.
func TestRatiosOfRepetitions(t *testing.T) {
	c := Case{Name: "fast", Workload: Stream, Bytes: 1}
	r := &Report{names: []string{"fast"}, Peers: []string{"libcrypto"}}
	for _, x := range []struct{ seconds, ratio float64 }{{5, 1.5}, {1, 1.4}, {4, 1.7}} {
		r.Results = append(r.Results, Result{Case: c, Ops: 20, Seconds: x.seconds, Ratios: map[string]float64{"libcrypto": x.ratio}})
	}
	r.Results = append(r.Results, Result{Case: Case{Name: "no ratio", Workload: Stream, Bytes: 1}, Ops: 20, Seconds: 1})
	rows := r.sections()[0].rows
	assert.InEpsilon(t, 5, rows[0].results[0].OpsPerSecond(), 1e-9)
	assert.Equal(t, map[string]float64{"libcrypto": 1.5}, rows[0].ratios[0])
	assert.Empty(t, rows[1].ratios[0])

	var out bytes.Buffer
	require.NoError(t, r.WriteTable(&out))
	assert.Contains(t, out.String(), "\nfast                 5.00    1.50x\nno ratio            20.00\n")
}

func TestWriteJSONOfAComparison(t *testing.T) {
	r := exampleComparison(t)
	r.Libcrypto = "OpenSSL 3.0.22, rc4(8x,int)"
	var out bytes.Buffer
	require.NoError(t, r.WriteJSON(&out))
	var got struct {
		Libcrypto string
		Peers     []string
		Results   []struct {
			Backend, Workload string
			Bytes             int
			Ratio             *float64
			Ratios            map[string]float64
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	assert.Equal(t, r.Libcrypto, got.Libcrypto)
	assert.Equal(t, []string{"libcrypto", "crypto/rc4"}, got.Peers)
	require.Len(t, got.Results, 4+4+3)
	for i, want := range []float64{3, 0.3, 1, 0.5, 3, 0.3, 1, 0.5, 5, 0.5, 1} {
		require.NotNil(t, got.Results[i].Ratio)
		assert.InEpsilon(t, want, *got.Results[i].Ratio, 1e-9)
		assert.InEpsilon(t, want, got.Results[i].Ratios["libcrypto"], 1e-9)
	}
	assert.Equal(t, "crypto/rc4", got.Results[3].Backend)
	assert.InEpsilon(t, 6, got.Results[0].Ratios["crypto/rc4"], 1e-9)
	assert.NotContains(t, got.Results[8].Ratios, "crypto/rc4", "it has no key set-up here")
}

func TestWriteJSONWithoutLibcrypto(t *testing.T) {
	r := &Report{Peers: []string{"crypto/rc4"}, Results: []Result{{Ops: 1, Seconds: 1, Ratios: map[string]float64{"crypto/rc4": 2}}}}
	var out bytes.Buffer
	require.NoError(t, r.WriteJSON(&out))
	assert.NotContains(t, out.String(), `"ratio":`)
	assert.NotContains(t, out.String(), "libcrypto")
	assert.Contains(t, out.String(), `"ratios": {`)
}

func TestWriteMROfAComparison(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, exampleComparison(t).WriteMR(&out))
	var ratios []string
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "+X") {
			ratios = append(ratios, strings.TrimSpace(line))
		}
	}
	assert.Equal(t, []string{
		"+X:0:fast:libcrypto:3.000:3.000",
		"+X:1:slow:libcrypto:0.300:0.300",
		"+X:5:libcrypto:libcrypto:1.000:1.000",
		"+X:6:crypto/rc4:libcrypto:0.500:0.500",
		"+X:0:fast:crypto/rc4:6.000:6.000",
		"+X:1:slow:crypto/rc4:0.600:0.600",
		"+X:5:libcrypto:crypto/rc4:2.000:2.000",
		"+X:6:crypto/rc4:crypto/rc4:1.000:1.000",
		"+X:0:fast/keysetup:libcrypto:5.000",
		"+X:1:slow/keysetup:libcrypto:0.500",
		"+X:5:libcrypto/keysetup:libcrypto:1.000",
		"+X:0:fast/keysetup:crypto/rc4:0.000",
		"+X:1:slow/keysetup:crypto/rc4:0.000",
		"+X:5:libcrypto/keysetup:crypto/rc4:0.000",
	}, ratios)
}

// TestWriteBenchfmtOfAComparison reads the lines with benchstat's own reader.
func TestWriteBenchfmtOfAComparison(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, exampleComparison(t).WriteBenchfmt(&out))
	var got []float64
	reader := benchfmt.NewReader(&out, "speed")
	for reader.Scan() {
		record, ok := reader.Result().(*benchfmt.Result)
		require.True(t, ok)
		ratio, found := record.Value("x/libcrypto")
		require.True(t, found)
		got = append(got, ratio)
		_, found = record.Value("x/crypto_rc4")
		assert.Equal(t, !strings.HasPrefix(record.Name.String(), "KeySetup"), found)
	}
	require.NoError(t, reader.Err())
	assert.Equal(t, []float64{3, 0.3, 1, 0.5, 3, 0.3, 1, 0.5, 5, 0.5, 1}, got)
}

func TestBenchmarkOfCalls(t *testing.T) {
	r := &Report{GOOS: "linux", GOARCH: runtime.GOARCH, Results: []Result{
		{Case: Case{Name: "u32", Workload: Mix, Bytes: mixMean}, Ops: 640, Seconds: 1},
		{Case: Case{Name: "u32", Workload: MPPEBatch, Bytes: 1400}, Ops: 640, Seconds: 1},
		{Case: Case{Name: "u32", Workload: MPPE, Bytes: 1400}, Ops: 640, Seconds: 1},
	}}
	var out bytes.Buffer
	require.NoError(t, r.WriteBenchfmt(&out))
	assert.Regexp(t, `BenchmarkMix/backend=u32/size=607(-\d+)?\t10\t100000000.00 ns/op\t0.39 MB/s\n`, out.String())
	assert.Regexp(t, `BenchmarkMPPEBatch/backend=u32/size=1400(-\d+)?\t10\t`, out.String())
	assert.Regexp(t, `BenchmarkMPPE/backend=u32/size=1400(-\d+)?\t640\t`, out.String())
}

func TestProgressOfAComparison(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{Out: &out}
	cases := []Case{{"u32", Packets, 1400, 3 * time.Second, 1}, {"libcrypto", Packets, 1400, 3 * time.Second, 1}}
	for _, done := range []int{0, 20, 61} {
		p.Rounds(cases, done, 61)
	}
	p.End(Result{Case: cases[0], Ops: 123, Seconds: 3.001})
	p.Rounds([]Case{{"u32", KeySetup, 0, time.Second, 1}}, 0, 11)
	assert.Equal(t, "\rDoing 2 in turns, packets for 3s on 1400 size blocks: 0%"+
		"\rDoing 2 in turns, packets for 3s on 1400 size blocks: 32%"+
		"\rDoing 2 in turns, packets for 3s on 1400 size blocks: 100%\n"+
		"123 u32/packets's in 3.00s\n"+
		"\rDoing 1 in turns, keysetup for 1s: 0%", out.String())
}
