package speed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"
)

// exampleReport has everything in it that the formats treat in their own way.
func exampleReport(t *testing.T) *Report {
	t.Helper()
	r, err := fakeReport(t.Context(), fakeRunner(), Config{
		Names: []string{"fast", "slow", "broken", "narrow"}, Workloads: []Workload{Stream, Packets, KeySetup},
		Sizes: []int{16, 16384}, Time: time.Second, Elapsed: true,
	})
	require.NoError(t, err)
	return r
}

func TestWriteTable(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, exampleReport(t).WriteTable(&out))
	assert.Equal(t, `version: arc4 v1.2.3 (`+runtime.Version()+`)
platform: linux/mipsle, 1 processor
CPUINFO: MIPS 24Kc V5.0
features: dsp mips16 mips32r2
selected: fast (fastest of 2)
measured: 1 thread, elapsed time
The 'numbers' are in 1000s of bytes per second processed.
type             16 bytes  16384 bytes
fast           1000000.00k  1000000.00k
slow            100000.00k   100000.00k
narrow           10000.00k    10000.00k

packets: 64 packets a call, a fresh 16-byte key each
The 'numbers' are in 1000s of bytes per second processed.
type             16 bytes  16384 bytes
fast            500000.00k   500000.00k
slow             50000.00k    50000.00k

keysetup: a fresh 16-byte key, nothing encrypted
type            time each    each second
fast          0.000001000s      1000000.0
slow          0.000010000s       100000.0
broken        failed its self-test and was not timed: keystream differs at offset 240
`, out.String())
}

func TestWriteTableWithGaps(t *testing.T) {
	r := exampleReport(t)
	r.Selected, r.Why, r.Wall, r.Workers, r.CPU = "", "ARC4_BACKEND=x: unknown", false, 4, CPU{Brand: unknownCPU, Count: 2}
	r.Results = []Result{
		{Case: Case{Name: "fast", Workload: Stream, Bytes: 16}, Ops: 10, Seconds: 1},
		{Case: Case{Name: "fast", Workload: Stream, Bytes: 64}, Ops: 1000, Seconds: 1},
		{Case: Case{Name: "slow", Workload: Stream, Bytes: 16}, Ops: 10, Seconds: 1},
	}
	r.Failed = nil
	var out bytes.Buffer
	require.NoError(t, r.WriteTable(&out))
	_, table, _ := strings.Cut(out.String(), "\n")
	assert.Equal(t, `platform: linux/mipsle, 2 processors
CPUINFO: unknown processor
selected: none (ARC4_BACKEND=x: unknown)
measured: 4 threads, CPU time
The 'numbers' are in 1000s of bytes per second processed.
type             16 bytes     64 bytes
fast               160.00        64.00k
slow               160.00            -
`, table)
}

func TestWriteMR(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, exampleReport(t).WriteMR(&out))
	assert.Equal(t, `+H:16:16384
+F:0:fast:1000000000.00:1000000000.00
+F:1:slow:100000000.00:100000000.00
+F:3:narrow:10000000.00:10000000.00
+H:16:16384
+F:0:fast/packets:500000000.00:500000000.00
+F:1:slow/packets:50000000.00:50000000.00
+K:0:fast/keysetup:128:1000000.000000:0.000001000
+K:1:slow/keysetup:128:100000.000000:0.000010000
`, out.String())
}

func TestWriteMROfSeveralWorkers(t *testing.T) {
	r := &Report{Workers: 2, names: []string{"reference", "u32"}}
	add := func(w Workload, size int) {
		result, ok := combine(Case{Name: "u32", Workload: w, Bytes: size, Workers: 2}, []sample{{ops: 100, seconds: 1}, {ops: 50, seconds: 0.25}})
		require.True(t, ok)
		r.Results = append(r.Results, result)
	}
	add(Stream, 16)
	add(Stream, 64)
	add(KeySetup, 0)
	var out bytes.Buffer
	require.NoError(t, r.WriteMR(&out))
	assert.Equal(t, `Got: +H:16:64 from 0
Got: +F:1:u32:1600.00:6400.00 from 0
Got: +H:16:64 from 1
Got: +F:1:u32:3200.00:12800.00 from 1
+H:16:64
+F:1:u32:4800.00:19200.00
Got: +K:1:u32/keysetup:128:100.000000:0.010000000 from 0
Got: +K:1:u32/keysetup:128:200.000000:0.005000000 from 1
+K:1:u32/keysetup:128:300.000000:0.003333333
`, out.String())
}

func TestWriteJSON(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, exampleReport(t).WriteJSON(&out))

	// Unknown fields in the object are additions; those named here are the promise.
	var got struct {
		Version, GOOS, GOARCH, CPU string
		Results                    []struct {
			Backend, Workload string
			Bytes             int
			Ops               uint64
			Seconds           float64
			BytesPerSecond    float64 `json:"bytes_per_second"`
		}
		Failed []struct{ Backend, Error string }
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	assert.Equal(t, "v1.2.3", got.Version)
	assert.Equal(t, "linux", got.GOOS)
	assert.Equal(t, "mipsle", got.GOARCH)
	assert.Equal(t, "MIPS 24Kc V5.0", got.CPU)
	require.Len(t, got.Results, 3*2+2*2+2)
	first, last := got.Results[0], got.Results[len(got.Results)-1]
	assert.Equal(t, "fast stream 16", fmt.Sprint(first.Backend, " ", first.Workload, " ", first.Bytes))
	assert.InEpsilon(t, 1e9, first.BytesPerSecond, 1e-9)
	assert.InEpsilon(t, first.BytesPerSecond, float64(first.Ops)*float64(first.Bytes)/first.Seconds, 1e-9)
	assert.Equal(t, "slow keysetup 0", fmt.Sprint(last.Backend, " ", last.Workload, " ", last.Bytes))
	assert.Zero(t, last.BytesPerSecond)
	assert.Positive(t, last.Ops)
	require.Len(t, got.Failed, 1)
	assert.Equal(t, "broken", got.Failed[0].Backend)
	assert.Equal(t, errBroken.Error(), got.Failed[0].Error)

	keys := map[string]any{}
	require.NoError(t, json.Unmarshal(out.Bytes(), &keys))
	for _, key := range []string{"version", "goos", "goarch", "cpu", "results"} {
		assert.Contains(t, keys, key)
	}
	for key := range keys["results"].([]any)[0].(map[string]any) {
		assert.Contains(t, []string{"backend", "workload", "bytes", "ops", "seconds", "bytes_per_second"}, key)
	}
}

func TestWriteJSONOfNothing(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, (&Report{Interrupted: true}).WriteJSON(&out))
	for _, list := range []string{`"results": []`, `"failed": []`, `"features": []`, `"interrupted": true`} {
		assert.Contains(t, out.String(), list)
	}
}

// TestWriteBenchfmt reads the lines with benchstat's own reader.
func TestWriteBenchfmt(t *testing.T) {
	r := exampleReport(t)
	r.Results = append(r.Results, Result{Case: Case{Name: "crypto/rc4", Workload: Packet, Bytes: 64, Workers: 2}, Ops: 10, Seconds: 1})
	var out bytes.Buffer
	require.NoError(t, r.WriteBenchfmt(&out))

	type line struct {
		name   string
		ns, mb float64
	}
	var got []line
	reader := benchfmt.NewReader(&out, "speed")
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.Result:
			assert.Equal(t, "linux", record.GetConfig("goos"))
			assert.Equal(t, "mipsle", record.GetConfig("goarch"))
			assert.Equal(t, "MIPS 24Kc V5.0", record.GetConfig("cpu"))
			seconds, found := record.Value("sec/op")
			require.True(t, found)
			rate, _ := record.Value("B/s")
			name := strings.TrimSuffix(record.Name.String(), fmt.Sprintf("-%d", runtime.GOMAXPROCS(0)))
			got = append(got, line{name, seconds * 1e9, rate / 1e6})
			assert.Positive(t, record.Iters)
		case *benchfmt.SyntaxError:
			t.Error(record)
		}
	}
	require.NoError(t, reader.Err())
	want := []line{
		{"Stream/backend=fast/size=16", 16, 1000},
		{"Stream/backend=fast/size=16384", 16384, 1000},
		{"Stream/backend=slow/size=16", 160, 100},
		{"Stream/backend=slow/size=16384", 163840, 100},
		{"Stream/backend=narrow/size=16", 1600, 10},
		{"Stream/backend=narrow/size=16384", 1638400, 10},
		{"Packets/backend=fast/size=16", 64 * 32, 500},
		{"Packets/backend=fast/size=16384", 64 * 32768, 500},
		{"Packets/backend=slow/size=16", 64 * 320, 50},
		{"Packets/backend=slow/size=16384", 64 * 327680, 50},
		{"KeySetup/backend=fast", 1000, 0},
		{"KeySetup/backend=slow", 10000, 0},
		{"Packet/backend=crypto_rc4/size=64/workers=2", 1e8, 0},
	}
	require.Len(t, got, len(want))
	for i := range want {
		assert.Equal(t, want[i].name, got[i].name)
		assert.InDelta(t, want[i].ns, got[i].ns, 0.01*want[i].ns, want[i].name)
		assert.InDelta(t, want[i].mb, got[i].mb, 0.01, want[i].name)
	}
}

func TestProgressLines(t *testing.T) {
	results := []Result{
		{Case: Case{"u32", Stream, 1024, 3 * time.Second, 1}, Ops: 123, Seconds: 3.001, samples: []sample{{123, 3.001}}},
		{Case: Case{"u32", KeySetup, 0, 500 * time.Millisecond, 2}, Ops: 30, Seconds: 0.5, samples: []sample{{10, 0.5}, {20, 0.5}}},
	}
	show := func(o Observer) {
		for _, r := range results {
			o.Begin(r.Case)
			o.End(r)
		}
	}
	var out bytes.Buffer
	show(&Progress{Out: &out})
	assert.Equal(t, `Doing u32 for 3s on 1024 size blocks: 123 u32's in 3.00s
Doing u32/keysetup for 0.5s: 30 u32/keysetup's in 0.50s
`, out.String())

	out.Reset()
	show(&MRProgress{Out: &out})
	assert.Equal(t, `+DT:u32:3:1024
+R:123:u32:3.001000
+DT:u32/keysetup:0.5:0
+DT:u32/keysetup:0.5:0
+R:10:u32/keysetup:0.500000
+R:20:u32/keysetup:0.500000
`, out.String())
}

// TestWriteErrors looks that no format takes a full disk for success.
func TestWriteErrors(t *testing.T) {
	r := exampleReport(t)
	for name, write := range map[string]func() error{
		"table":    func() error { return r.WriteTable(fullDisk{}) },
		"mr":       func() error { return r.WriteMR(fullDisk{}) },
		"json":     func() error { return r.WriteJSON(fullDisk{}) },
		"benchfmt": func() error { return r.WriteBenchfmt(fullDisk{}) },
	} {
		assert.ErrorIs(t, write(), errFull, name)
	}
}

var errFull = fmt.Errorf("no space left on device")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }
