package tunnels

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/internal/bench/chart"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// head says what was measured, and on what.
func (r *Report) head(w io.Writer) {
	fmt.Fprintf(w, "network  %s mode (%s)\n", r.Mode, r.Why)
	fmt.Fprintf(w, "tunnel   MS-CHAPv2, MPPE-128 stateless, RC4 by %s, reorder window of %d packets\n",
		strings.Join(r.backends(), ", "), cmp.Or(r.Config.Reorder.Size, reorder.DefaultSize))
	line := r.Config.Link.String()
	if line == "" {
		line = "no limit to its rate, nothing lost"
	}
	fmt.Fprintf(w, "link     emulated in this process: %s; delay and jitter one way, in the direction of the data\n", line)
	fmt.Fprintf(w, "traffic  one TCP connection (%s), %v each", r.Congestion, r.Config.Duration)
	switch omit := r.Config.Omit; {
	case omit > 0:
		fmt.Fprintf(w, " after %v", omit)
	case omit < 0:
		fmt.Fprintf(w, " after %d delays", slowStart)
	}
	if r.Config.Count > 1 {
		fmt.Fprintf(w, ", median of %d", r.Config.Count)
	}
	fmt.Fprintln(w)
}

func (r *Report) backends() (names []string) {
	for _, b := range r.Config.Backends {
		names = append(names, b.Name())
	}
	return names
}

// WriteTable writes the report for a reader.
func (r *Report) WriteTable(out io.Writer) error {
	var w strings.Builder
	r.head(&w)
	for _, upload := range []bool{false, true} {
		if upload && !r.Config.Both {
			continue
		}
		if len(r.Config.Backends) > 1 {
			r.writeBackends(&w, upload)
		} else {
			r.writeRates(&w, r.backends()[0], upload)
		}
	}
	if len(r.Delays) > 0 {
		r.writeDelays(&w)
	}
	if findings := r.Findings(); len(findings) > 0 {
		fmt.Fprintf(&w, "\n%s\n", strings.Join(findings, "\n"))
	}
	_, err := io.WriteString(out, w.String())
	return err
}

// labelWidth holds "download, 200ms±50ms".
const labelWidth = 20

// writeRates writes one backend's table, a line a row.
func (r *Report) writeRates(w io.Writer, backend string, upload bool) {
	r.writeColumns(w, direction(upload))
	for _, row := range r.Config.Rows {
		r.writeLine(w, row.Path(), row, backend, upload)
	}
}

// writeBackends writes a table for each row, a line a backend.
func (r *Report) writeBackends(w io.Writer, upload bool) {
	for _, row := range r.Config.Rows {
		r.writeColumns(w, direction(upload)+", "+row.Path())
		for _, backend := range r.backends() {
			r.writeLine(w, backend, row, backend, upload)
		}
	}
}

func (r *Report) writeColumns(w io.Writer, title string) {
	fmt.Fprintf(w, "\n%-*s %8s", labelWidth, title, "window")
	for _, c := range r.Config.Columns {
		fmt.Fprintf(w, " %10s", c)
	}
	fmt.Fprintf(w, "   Mbit/s\n")
}

func (r *Report) writeLine(w io.Writer, label string, row Row, backend string, upload bool) {
	fmt.Fprintf(w, "%-*s %8s", labelWidth, label, windowText(row.Window))
	for _, column := range r.Config.Columns {
		fmt.Fprintf(w, " %10s", megabits(r.rate(row, column, backend, upload)))
	}
	fmt.Fprintln(w)
}

// direction is the word for one.
func direction(upload bool) string {
	if upload {
		return "upload"
	}
	return "download"
}

// megabits writes a rate in bits a second; "-" is one that was not measured.
func megabits(rate float64) string {
	switch m := rate / 1e6; {
	case math.IsNaN(m):
		return "-"
	case m >= 100:
		return fmt.Sprintf("%.0f", m)
	case m >= 10:
		return fmt.Sprintf("%.1f", m)
	default:
		return fmt.Sprintf("%.2f", m)
	}
}

// rate is a cell's, bits a second, or NaN.
func (r *Report) rate(row Row, column Column, backend string, upload bool) float64 {
	for _, c := range r.Cells {
		if c.Row == row && c.Column == column && c.Backend == backend && c.Upload == upload {
			return c.BitsPerSecond
		}
	}
	return math.NaN()
}

func (r *Report) writeDelays(w io.Writer) {
	fmt.Fprintf(w, "\n%-*s %10s %9s %9s %9s %9s %9s\n", labelWidth, "one-way delay", "", "p50 ms", "p90 ms", "p99 ms", "overtaken", "lost")
	for _, d := range r.Delays {
		share := func(n int) string {
			if d.Sent == 0 {
				return "-"
			}
			return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(d.Sent))
		}
		fmt.Fprintf(w, "%-*s %10s %9.2f %9.2f %9.2f %9s %9s\n", labelWidth, d.Row.Path(), d.Column,
			ms(d.P50), ms(d.P90), ms(d.P99), share(d.Overtaken), share(d.Sent-d.Received))
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Findings are sentences that say what the figures show.
func (r *Report) Findings() (sentences []string) {
	for _, row := range r.Config.Rows {
		if row.Jitter == 0 || len(r.Config.Backends) == 0 {
			continue
		}
		rate := func(c Column) float64 { return r.rate(row, c, r.backends()[0], false) }
		raw, order, drop := rate(Raw), rate(Order), rate(Drop)
		if math.IsNaN(raw) || raw == 0 || math.IsNaN(order) {
			continue
		}
		text := fmt.Sprintf("At %v the window gives %.0f%% of what TCP has without a tunnel", row, 100*order/raw)
		if !math.IsNaN(drop) {
			text += fmt.Sprintf("; dropping what is late, as the stock kernel driver does, %.0f%%", 100*drop/raw)
		}
		sentences = append(sentences, text+".")
	}
	return sentences
}

// The shape of WriteJSON's object. Rates are in bits a second, delays in seconds.
type (
	jsonReport struct {
		Version string  `json:"version"`
		Mode    string  `json:"mode"`
		ModeWhy string  `json:"mode_why"`
		Link    string  `json:"link"`
		Seconds float64 `json:"seconds"`
		// Congestion is TCP's congestion control.
		Congestion    string      `json:"congestion"`
		ReorderWindow int         `json:"reorder_window"` // packets
		Count         int         `json:"count"`
		Cells         []jsonCell  `json:"cells"`
		Delays        []jsonDelay `json:"delays"`
		Completed     bool        `json:"completed"`
	}
	jsonRow struct {
		Row         string  `json:"row"`
		Delay       float64 `json:"delay"`
		Jitter      float64 `json:"jitter"`
		WindowBytes int     `json:"window_bytes"`
	}
	jsonCell struct {
		jsonRow
		Column        Column       `json:"column"`
		Backend       string       `json:"backend"`
		Direction     string       `json:"direction"` // download or upload
		BitsPerSecond float64      `json:"bits_per_second"`
		Samples       []float64    `json:"samples"`
		Omitted       float64      `json:"omitted"` // seconds before that
		Window        reorderStats `json:"window"`
	}
	jsonDelay struct {
		jsonRow
		Column    Column  `json:"column"`
		Sent      int     `json:"sent"`
		Received  int     `json:"received"`
		Overtaken int     `json:"overtaken"`
		P50       float64 `json:"p50"`
		P90       float64 `json:"p90"`
		P99       float64 `json:"p99"`
	}
)

func (row Row) json() jsonRow {
	return jsonRow{row.String(), row.Delay.Seconds(), row.Jitter.Seconds(), row.Window}
}

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(out io.Writer, version string) error {
	j := jsonReport{
		Version: version, Mode: r.Mode, ModeWhy: r.Why, Link: r.Config.Link.String(),
		Seconds: r.Config.Duration.Seconds(), Count: r.Config.Count, Congestion: r.Congestion,
		ReorderWindow: cmp.Or(r.Config.Reorder.Size, reorder.DefaultSize),
		Cells:         []jsonCell{}, Delays: []jsonDelay{}, Completed: r.completed(),
	}
	for _, c := range r.Cells {
		j.Cells = append(j.Cells, jsonCell{c.Row.json(), c.Column, c.Backend, direction(c.Upload), c.BitsPerSecond, c.Samples, r.Config.omit(c.Row).Seconds(), c.Window})
	}
	for _, d := range r.Delays {
		j.Delays = append(j.Delays, jsonDelay{d.Row.json(), d.Column, d.Sent, d.Received, d.Overtaken,
			d.P50.Seconds(), d.P90.Seconds(), d.P99.Seconds()})
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(j)
}

// completed reports whether everything that was asked for was measured.
func (r *Report) completed() bool {
	c, directions := r.Config, 1
	if c.Both {
		directions = 2
	}
	samples := 0
	for _, cell := range r.Cells {
		samples += len(cell.Samples)
	}
	delays := 0
	if c.Delays {
		delays = len(c.paths()) * len(c.Columns)
	}
	return samples == len(c.Rows)*len(c.Columns)*len(c.Backends)*directions*c.Count && len(r.Delays) == delays
}

// Chart draws the download, a group of bars a row; with several backends, one a backend.
func (r *Report) Chart() *chart.Bars {
	b := &chart.Bars{Title: "TCP download over an emulated link", Unit: "Mbit/s", Log: true}
	if len(r.Config.Backends) > 1 {
		b.Log = false
		b.Groups = r.backends()
		for _, row := range r.Config.Rows {
			for _, column := range r.Config.Columns {
				s := chart.Series{Name: fmt.Sprintf("%v, %s", row, column)}
				for _, backend := range b.Groups {
					s.Values = append(s.Values, r.rate(row, column, backend, false)/1e6)
				}
				b.Series = append(b.Series, s)
			}
		}
		return b
	}
	for _, row := range r.Config.Rows {
		b.Groups = append(b.Groups, row.String())
	}
	for _, column := range r.Config.Columns {
		s := chart.Series{Name: string(column)}
		for _, row := range r.Config.Rows {
			s.Values = append(s.Values, r.rate(row, column, r.backends()[0], false)/1e6)
		}
		b.Series = append(b.Series, s)
	}
	return b
}
