package speed

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
)

// WriteTable writes the report for a reader, in the manner of `openssl speed`: what was measured on
// which machine, and a table for each workload.
func (r *Report) WriteTable(out io.Writer) error {
	w := bufio.NewWriter(out)
	r.writeHeader(w)
	for _, s := range r.sections() {
		if s.workload != Stream {
			fmt.Fprintf(w, "\n%s: %s\n", s.workload, s.workload.What())
		}
		if s.workload.sized() {
			writeRates(w, s, r.base())
		} else {
			writeOperations(w, s, r.base())
		}
		s.spread.write(w)
	}
	for _, f := range r.Failed {
		fmt.Fprintf(w, "%-13s failed its self-test and was not timed: %v\n", f.Name, f.Err)
	}
	return w.Flush()
}

func (r *Report) writeHeader(w io.Writer) {
	fmt.Fprintf(w, "version: arc4 %s (%s)\n", r.Version, runtime.Version())
	fmt.Fprintf(w, "platform: %s/%s, %s\n", r.GOOS, r.GOARCH, plural(r.CPU.Count, "processor"))
	fmt.Fprintf(w, "CPUINFO: %s\n", r.CPU.Brand)
	if short := r.CPU.shortFeatures(); len(short) > 0 {
		fmt.Fprintf(w, "features: %s", strings.Join(short, " "))
		if more := len(r.CPU.Features) - len(short); more > 0 {
			fmt.Fprintf(w, " (and %d more: --json)", more)
		}
		fmt.Fprintln(w)
	}
	if r.Selected != "" {
		fmt.Fprintf(w, "selected: %s (%s)\n", r.Selected, r.Why)
	} else {
		fmt.Fprintf(w, "selected: none (%s)\n", r.Why)
	}
	clock := "CPU time"
	if r.Wall {
		clock = "elapsed time"
	}
	fmt.Fprintf(w, "measured: %s, %s", plural(r.Workers, "thread"), clock)
	if base := r.base(); base != "" {
		fmt.Fprintf(w, ", in turns; behind each figure how many times as fast as %s it is", base)
	}
	fmt.Fprintln(w)
	switch {
	case len(r.Peers) == 0:
	case r.Libcrypto != "":
		fmt.Fprintf(w, "libcrypto: %s\n", r.Libcrypto)
	default:
		fmt.Fprintf(w, "libcrypto: not in this build; %s\n", libcrypto.HowToBuild)
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// writeRates is openssl's table of block sizes, with the ratios to base, if there is one, behind
// the figures.
func writeRates(w io.Writer, s section, base string) {
	fmt.Fprintln(w, "The 'numbers' are in 1000s of bytes per second processed.")
	head := "type        "
	for i, size := range s.sizes {
		if base != "" && i > 0 {
			head += strings.Repeat(" ", ratioWidth)
		}
		head += fmt.Sprintf("%7d bytes", size)
	}
	fmt.Fprintln(w, head)
	for _, line := range s.rows {
		var b strings.Builder
		fmt.Fprintf(&b, "%-13s", line.name)
		for i, result := range line.results {
			switch {
			case result == nil:
				fmt.Fprintf(&b, " %11s ", "-")
			case result.BytesPerSecond() > 10000:
				fmt.Fprintf(&b, " %11.2fk", result.BytesPerSecond()/1000)
			default:
				fmt.Fprintf(&b, " %11.2f ", result.BytesPerSecond())
			}
			writeRatio(&b, line.ratios[i], base)
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// ratioWidth is the width of what writeRatio writes.
const ratioWidth = 8

// writeRatio writes the ratio to base behind a figure: nothing without a base, blanks without a
// ratio.
func writeRatio(b *strings.Builder, ratios map[string]float64, base string) {
	if base == "" {
		return
	}
	text := ""
	if ratio, measured := ratios[base]; measured {
		text = fmt.Sprintf("%.2fx", ratio)
	}
	fmt.Fprintf(b, "%*s", ratioWidth, text)
}

// writeOperations is openssl's table of operations that have no size.
func writeOperations(w io.Writer, s section, base string) {
	fmt.Fprintf(w, "%-13s %11s %14s\n", "type", "time each", "each second")
	for _, line := range s.rows {
		for i, result := range line.results {
			if result == nil {
				continue
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%-13s %10.9fs %14.1f", line.name, 1/result.OpsPerSecond(), result.OpsPerSecond())
			writeRatio(&b, line.ratios[i], base)
			fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
		}
	}
}

// write says how far repetitions disagree, because a busy neighbour does not slow all ciphers
// alike.
func (s spread) write(w io.Writer) {
	if s.of.Name == "" {
		return
	}
	fmt.Fprintf(w, "Medians; repetitions differ by up to %.0f%% (%s", s.share*100, s.of.Name)
	if s.of.Workload.sized() {
		fmt.Fprintf(w, ", %d bytes", s.of.Bytes)
	}
	fmt.Fprintln(w, ").")
}
