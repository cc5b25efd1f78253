package main

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
	"github.com/arc4tun/arc4tun/speed"
)

// line is a row with what was measured, as it is printed.
type line struct {
	what, asked, reached, runs, ours, theirs, backend, verdict string
}

// head is over the lines.
var head = line{
	"work", "asked", "reached", "in the runs", "this project", "libcrypto", "backend", "",
}

func (l line) cells() []string {
	return []string{l.what, l.asked, l.reached, l.runs, l.ours, l.theirs, l.backend, l.verdict}
}

// tabulate fills in the rows.
func tabulate(rows []row, m *measured) []line {
	var table []line
	for _, r := range rows {
		name, f := m.best(r)
		backend := name
		if name == selected {
			backend = m.chosen[r.job]
		}
		table = append(table, line{
			what: r.what, asked: fmt.Sprintf("%.1f", r.asked), reached: fmt.Sprintf("%.2f", f.ratio()),
			runs: m.machine.extent(f),
			ours: pace(f.seconds(), m.bytes[r.job]), theirs: pace(m.figures[r.job][libcrypto.Name].seconds(), m.bytes[r.job]),
			backend: backend, verdict: verdict(f.ratio(), r.asked),
		})
	}
	return table
}

// extent is the lowest and the highest ratio of the runs, and how many there were if there were
// more than of other rows.
func (m machine) extent(f figures) string {
	s := fmt.Sprintf("%.2f - %.2f", slices.Min(f.ratios), slices.Max(f.ratios))
	if n := len(f.ratios); n > m.runs {
		s += fmt.Sprintf(" (%d)", n)
	}
	return s
}

// pace is a rate where there are bytes, and else the time of an operation.
func pace(seconds float64, bytes int) string {
	if bytes == 0 {
		return fmt.Sprintf("%.0f ns", seconds*1e9)
	}
	return fmt.Sprintf("%.0f MB/s", float64(bytes)/seconds/1e6)
}

// verdict compares with what was asked for.
func verdict(reached, asked float64) string {
	if reached >= asked {
		return "reached"
	}
	short := (1 - reached/asked) * 100
	if short < 0.95 { // not "by 0%"
		return fmt.Sprintf("MISSED by %.1f%%", max(short, 0.1))
	}
	return fmt.Sprintf("MISSED by %.0f%%", short)
}

// machineOf is what a report says of the machine.
func machineOf(r *speed.Report) machine {
	return machine{
		cpu: r.CPU.Brand, system: r.GOOS + "/" + r.GOARCH, goVersion: runtime.Version(), libcrypto: r.Libcrypto,
		avx512: slices.Contains(r.CPU.Features, "AVX512F"),
	}
}

// about says in a few lines what the figures are and where they are from.
func (m machine) about() []string {
	cpu := m.cpu
	if m.avx512 {
		cpu += " (with AVX-512)"
	}
	return []string{
		fmt.Sprintf("%s, %s, %s, %s.", cpu, m.system, m.goVersion, m.libcrypto),
		fmt.Sprintf("How many times as fast as libcrypto, with one thread, in turns, with fresh keys: the median of %s.", plural(m.runs, "run")),
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// writeText writes the table for a terminal.
func writeText(out io.Writer, table []line, m machine) error {
	buffer := bufio.NewWriter(out)
	for _, s := range m.about() {
		fmt.Fprintln(buffer, s)
	}
	fmt.Fprintln(buffer)
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, l := range slices.Concat([]line{head}, table) {
		fmt.Fprintln(w, strings.Join(l.cells(), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for s := range strings.Lines(text.String()) {
		fmt.Fprintln(buffer, strings.TrimRight(s, " \n"))
	}
	return buffer.Flush()
}

// writeMarkdown writes the table as Markdown.
func writeMarkdown(out io.Writer, table []line, m machine) error {
	w := bufio.NewWriter(out)
	about := strings.ReplaceAll(strings.Join(m.about(), "\n"), "<", "&lt;")
	fmt.Fprintf(w, "<!-- written by make bench -->\n%s\n", about)
	fmt.Fprintf(w, "\n| %s|\n| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |\n", strings.Join(head.cells(), " | "))
	for _, l := range table {
		fmt.Fprintf(w, "| %s |\n", strings.Join(l.cells(), " | "))
	}
	fmt.Fprintf(w, "\nThe mix is %s.\n", speed.Mix.What())
	return w.Flush()
}
