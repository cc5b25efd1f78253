package speed

import (
	"encoding/json"
	"io"

	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
)

// The shape of WriteJSON's object.
type (
	jsonReport struct {
		Version     string        `json:"version"`
		GOOS        string        `json:"goos"`
		GOARCH      string        `json:"goarch"`
		CPU         string        `json:"cpu"`
		CPUs        int           `json:"cpus"`
		Features    []string      `json:"features"`
		Selected    string        `json:"selected"`
		Why         string        `json:"why"`
		Workers     int           `json:"workers"`
		Clock       string        `json:"clock"`
		Libcrypto   string        `json:"libcrypto,omitempty"`
		Peers       []string      `json:"peers,omitempty"`
		Interrupted bool          `json:"interrupted"`
		Results     []jsonResult  `json:"results"`
		Failed      []jsonFailure `json:"failed"`
	}
	jsonResult struct {
		Backend        string   `json:"backend"`
		Workload       Workload `json:"workload"`
		Bytes          int      `json:"bytes"`
		Ops            uint64   `json:"ops"`
		Seconds        float64  `json:"seconds"`
		BytesPerSecond float64  `json:"bytes_per_second"`
		jsonRatios
	}
	jsonRatios struct {
		Ratio  *float64           `json:"ratio,omitempty"`
		Ratios map[string]float64 `json:"ratios,omitempty"`
	}
	jsonFailure struct {
		Backend string `json:"backend"`
		Error   string `json:"error"`
	}
)

// WriteJSON writes the report as one JSON object. Every measurement is there, also repeated ones;
// bytes_per_second is bytes * ops / seconds, and bytes is 0 for operations without a size. "clock"
// is "cpu" or "wall".
//
// With Config.Peers a result's "ratio" says how many times as fast as libcrypto it is, and "ratios"
// the same for every peer; there is no "ratio" where this build has no libcrypto. "libcrypto" is
// its version.
func (r *Report) WriteJSON(out io.Writer) error {
	report := jsonReport{
		Version: r.Version, GOOS: r.GOOS, GOARCH: r.GOARCH,
		CPU: r.CPU.Brand, CPUs: r.CPU.Count, Features: r.CPU.Features,
		Selected: r.Selected, Why: r.Why,
		Workers: r.Workers, Clock: "cpu", Libcrypto: r.Libcrypto, Peers: r.Peers, Interrupted: r.Interrupted,
		Results: []jsonResult{}, Failed: []jsonFailure{},
	}
	if r.Wall {
		report.Clock = "wall"
	}
	if report.Features == nil {
		report.Features = []string{}
	}
	for _, result := range r.Results {
		line := jsonResult{
			Backend: result.Name, Workload: result.Workload, Bytes: result.Bytes,
			Ops: result.Ops, Seconds: result.Seconds, BytesPerSecond: result.BytesPerSecond(),
		}
		line.Ratios = result.Ratios
		if ratio, measured := result.Ratios[libcrypto.Name]; measured {
			line.Ratio = &ratio
		}
		report.Results = append(report.Results, line)
	}
	for _, f := range r.Failed {
		report.Failed = append(report.Failed, jsonFailure{f.Name, f.Err.Error()})
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(report)
}
