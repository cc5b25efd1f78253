package main

import (
	"fmt"

	"github.com/arc4tun/arc4tun/internal/stats"
)

// row is a line of the table: a figure of the router build and its bar, which is what it is to
// reach.
type row struct {
	what   string
	before string // the figure when the bars were set, at commit 0b30e58; "": it was not measured
	bar    float64
	most   bool   // the bar is the most that the figure may be, not the least
	form   string // of the figure and the bar, for fmt
	value  func(figures) (value float64, measured bool)
}

// figures are what was measured, by name; several of one name are of several rounds.
type figures map[string][]float64

func (f figures) median(name string) (float64, bool) {
	if len(f[name]) == 0 {
		return 0, false
	}
	return stats.Median(f[name]), true
}

// ratio is the median of the rounds' ratios.
func (f figures) ratio(of, to string) (float64, bool) {
	n := min(len(f[of]), len(f[to]))
	if n == 0 {
		return 0, false
	}
	ratios := make([]float64, n)
	for i := range ratios {
		ratios[i] = f[of][i] / f[to][i]
	}
	return stats.Median(ratios), true
}

// single is the median of a figure, in a unit of so many of its own.
func single(name string, unit float64) func(figures) (float64, bool) {
	return func(f figures) (float64, bool) {
		v, ok := f.median(name)
		return v / unit, ok
	}
}

func ratio(of, to string) func(figures) (float64, bool) {
	return func(f figures) (float64, bool) { return f.ratio(of, to) }
}

// bothWays is the lower of the ratios down and up.
func bothWays(of, to string) func(figures) (float64, bool) {
	return func(f figures) (float64, bool) {
		down, ok := f.ratio(of+"-down", to+"-down")
		up, also := f.ratio(of+"-up", to+"-up")
		return min(down, up), ok && also
	}
}

const megabyte = 1e6

// rows are the table. Memory is what Linux calls kB, a thousand of which are an MB here.
var rows = []row{
	{"tunnel, both ways, of the kernel's PPTP", "0.64", 1.2, false, "%.2f", bothWays("arc4", "kernel")},
	{"tunnel, both ways, of pptp-linux with pptpd", "1.8", 3.4, false, "%.2f", bothWays("arc4", "pptp")},
	{"tunnel over 3±1 ms, of 3 ms", "", 0.9, false, "%.2f", ratio("jitter", "delay")},
	{"instructions a packet, one end, our own code", "34700", 24000, true, "%.0f", single("instructions-mipsle", 1)},
	{"RC4 stream of OpenSSL's, calls of 16 B", "1.09", 1.3, false, "%.2f", ratio("arc4-16", "openssl-16")},
	{"RC4 stream of OpenSSL's, calls of 1,400 B", "1.53", 1.6, false, "%.2f", ratio("arc4-1400", "openssl-1400")},
	{"file, MB", "18.5", 7, true, "%.2f", single("file", megabyte)},
	{"file in xz, MB", "4.03", 2.2, true, "%.2f", single("xz", megabyte)},
	{"memory of connect under load on 64 MB, MB", "20.7", 12, true, "%.1f", single("64-connect", 1000)},
	// A paging storm leaves less than half of the tunnel.
	{"connect alone on 48 MB, both ways, of 64 MB", "", 0.5, false, "%.2f", bothWays("alone-48", "alone-64")},
	{"start to first packet from cold squashfs-xz, s", "5.5", 2.5, true, "%.2f", single("start", 1)},
}

// verdict is a row with what was measured.
type verdict struct {
	What     string   `json:"what"`
	Before   string   `json:"before,omitempty"`
	Bar      string   `json:"bar"`
	Measured *float64 `json:"measured"` // null: not measured
	Shown    string   `json:"shown"`
	Reached  bool     `json:"reached"`
}

// judge holds the figures against the bars.
func judge(f figures) []verdict {
	var all []verdict
	for _, r := range rows {
		v := verdict{What: r.what, Before: r.before, Bar: "at least ", Shown: "-"}
		if r.most {
			v.Bar = "at most "
		}
		v.Bar += fmt.Sprintf(r.form, r.bar)
		if value, ok := r.value(f); ok {
			v.Measured, v.Shown = &value, fmt.Sprintf(r.form, value)
			v.Reached = r.most && value <= r.bar || !r.most && value >= r.bar
		}
		all = append(all, v)
	}
	return all
}
