package main

import (
	"context"
	"io"
	"testing"
	"time"

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
