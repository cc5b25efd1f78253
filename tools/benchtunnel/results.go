package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/arc4tun/arc4tun/internal/stats"
)

// measurement is one of one candidate.
type measurement struct {
	bits        float64         // a second, of TCP's data
	cpu         float64         // seconds of all processors for 10^9 bytes of data
	retransmits float64         // of TCP
	pings       []time.Duration // round trips under that load
	small       float64         // packets of 64 bytes that arrived in a second
	busy        float64         // processors that others kept busy just before, as a share of all
}

// results are those of all rounds.
type results struct {
	of  []candidate
	all [][]measurement // by candidate
}

func newResults(of []candidate) *results {
	return &results{of: of, all: make([][]measurement, len(of))}
}

func (r *results) add(i int, m measurement) { r.all[i] = append(r.all[i], m) }

// row is a candidate's medians. What was not measured is 0.
type row struct {
	Name        string  `json:"name"`
	What        string  `json:"says"`
	Megabits    float64 `json:"mbit_per_s"`
	Ratio       float64 `json:"against_wireguard_go"`
	CPU         float64 `json:"cpu_seconds_per_gb"`
	Retransmits float64 `json:"retransmits"`
	Ping50      float64 `json:"ping_p50_ms"`
	Ping99      float64 `json:"ping_p99_ms"`
	PingRatio   float64 `json:"ping_p99_against_wireguard_go"`
	Small       float64 `json:"packets_of_64_bytes_per_s"`
}

// report is what is printed.
type report struct {
	Machine string  `json:"machine"`
	Rounds  int     `json:"rounds"`
	Busy    float64 `json:"others_kept_busy"` // the highest share seen
	Rows    []row   `json:"rows"`
}

// report takes medians over the rounds; pings of all rounds count together.
func (r *results) report(machine string) report {
	out := report{Machine: machine, Rounds: len(r.all[0])}
	for i, c := range r.of {
		m := r.all[i]
		var pings []time.Duration
		for _, one := range m {
			pings = append(pings, one.pings...)
			out.Busy = max(out.Busy, one.busy)
		}
		out.Rows = append(out.Rows, row{
			Name: c.name, What: c.what,
			Megabits:    stats.MedianOf(m, func(m measurement) float64 { return m.bits }) / 1e6,
			CPU:         stats.MedianOf(m, func(m measurement) float64 { return m.cpu }),
			Retransmits: stats.MedianOf(m, func(m measurement) float64 { return m.retransmits }),
			Small:       stats.MedianOf(m, func(m measurement) float64 { return m.small }),
			Ping50:      milliseconds(stats.Percentile(pings, 50)),
			Ping99:      milliseconds(stats.Percentile(pings, 99)),
		})
	}
	// A ratio is the median of the rounds' ratios: what swings with the machine swings for both.
	at := slices.IndexFunc(r.of, func(c candidate) bool { return c.name == reference })
	if at < 0 {
		return out
	}
	for i := range out.Rows {
		var ratios []float64
		for n, m := range r.all[i] {
			ratios = append(ratios, m.bits/r.all[at][n].bits)
		}
		out.Rows[i].Ratio = stats.Median(ratios)
		out.Rows[i].PingRatio = out.Rows[i].Ping99 / out.Rows[at].Ping99
	}
	return out
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// bar is what the tunnel is to reach of wireguard-go's speed, and pingBar how much longer a ping
// may take.
const (
	bar     = 0.6
	pingBar = 2.0
	// noisy is the share of the processors that others may use without a word.
	noisy = 0.05
)

func (r report) write(w io.Writer) error {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options.DrawBorder = false
	t.Style().Options.SeparateColumns = false
	t.Style().Box.PaddingLeft = ""
	t.Style().Box.PaddingRight = "  "
	t.Style().Format.Header = text.FormatDefault
	t.SuppressTrailingSpaces()
	t.AppendHeader(table.Row{"", "Mb/s", "of wireguard-go", "CPU s/GB", "retransmits", "ping p50 ms", "p99 ms", "64-byte packets/s"})
	var right []table.ColumnConfig
	for n := 2; n <= 8; n++ {
		right = append(right, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	for _, v := range r.Rows {
		t.AppendRow(table.Row{v.Name, number(v.Megabits, "%.0f"), number(v.Ratio, "%.2f"), number(v.CPU, "%.1f"), number(v.Retransmits, "%.0f"),
			number(v.Ping50, "%.2f"), number(v.Ping99, "%.2f"), number(v.Small, "%.0f")})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nmedians of %d rounds; TCP from one end to the other, ping meanwhile; CPU of both ends, iperf3 included\n\n%s\n\n", r.Machine, r.Rounds, t.Render())
	for _, v := range r.Rows {
		fmt.Fprintf(&b, "%-13s %s\n", v.Name, v.What)
	}
	if r.Busy > noisy {
		fmt.Fprintf(&b, "\nOthers kept up to %.0f%% of the processors busy: the figures are worth less for it.\n", 100*r.Busy)
	}
	for _, line := range r.bars() {
		fmt.Fprintf(&b, "\n%s", line)
	}
	_, err := fmt.Fprintln(w, strings.TrimRight(b.String(), "\n"))
	return err
}

// bars holds the tunnel's best against what it is to reach.
func (r report) bars() []string {
	var best *row
	for i, v := range r.Rows {
		if strings.HasPrefix(v.Name, "arc4-") && v.Name != "arc4-clear" && v.Ratio > 0 && (best == nil || v.Ratio > best.Ratio) {
			best = &r.Rows[i]
		}
	}
	if best == nil {
		return nil
	}
	return []string{
		fmt.Sprintf("%s reaches %.2f of %s's throughput; the bar is %.1f: %s", best.Name, best.Ratio, reference, bar, passed(best.Ratio >= bar)),
		fmt.Sprintf("its ping p99 under load is %.2f times %s's; the bar is %.1f: %s", best.PingRatio, reference, pingBar, passed(best.PingRatio <= pingBar)),
	}
}

func passed(ok bool) string {
	if ok {
		return "reached"
	}
	return "not reached"
}

// number prints a figure, and a dash for none.
func number(f float64, format string) string {
	if f == 0 {
		return "-"
	}
	return fmt.Sprintf(format, f)
}
