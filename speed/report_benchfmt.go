package speed

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"strings"
)

// benchmarkNames are the names that this repository's Go benchmarks of the same work have, so that
// benchstat can compare both.
var benchmarkNames = map[Workload]string{
	Stream:       "Stream",
	Packet:       "Packet",
	Packets:      "Packets",
	Mix:          "Mix",
	KeySetup:     "KeySetup",
	MPPE:         "MPPE",
	MPPEBatch:    "MPPEBatch",
	MPPESessions: "MPPESessions",
}

// WriteBenchfmt writes every measurement as a line of Go's benchmark format
// (golang.org/x/perf/benchfmt), which benchstat reads, also from machines that have no Go. A slash
// in a name, which separates a benchmark's parameters, becomes an underscore. As in a Go benchmark
// an operation of [Packets], and of what else takes 64 packets a call, is a whole call. With
// Config.Peers every line has the ratios, with units such as x/libcrypto.
func (r *Report) WriteBenchfmt(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "goos: %s\ngoarch: %s\ncpu: %s\n", r.GOOS, r.GOARCH, r.CPU.Brand)
	procs := ""
	if n := runtime.GOMAXPROCS(0); n > 1 {
		procs = fmt.Sprintf("-%d", n)
	}
	for _, result := range r.Results {
		ops, bytes := result.Ops, float64(result.Bytes)
		if result.Workload.inCalls() {
			ops /= packetsPerCall
			bytes *= packetsPerCall
		}
		perOp := result.Seconds / float64(ops)
		fmt.Fprintf(w, "Benchmark%s/backend=%s", benchmarkNames[result.Workload], strings.ReplaceAll(result.Name, "/", "_"))
		if result.Workload.sized() {
			fmt.Fprintf(w, "/size=%d", result.Bytes)
		}
		if result.Workers > 1 {
			fmt.Fprintf(w, "/workers=%d", result.Workers)
		}
		fmt.Fprintf(w, "%s\t%d\t%.2f ns/op", procs, ops, perOp*1e9)
		if result.Workload.sized() {
			fmt.Fprintf(w, "\t%.2f MB/s", bytes/perOp/1e6)
		}
		for _, peer := range r.Peers {
			if ratio, measured := result.Ratios[peer]; measured {
				fmt.Fprintf(w, "\t%.3f x/%s", ratio, strings.ReplaceAll(peer, "/", "_"))
			}
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
