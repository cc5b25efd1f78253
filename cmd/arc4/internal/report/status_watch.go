package report

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// watchColumn is one of what is watched, a row a session.
type watchColumn struct {
	title string
	line  string // how a line names the value; empty: the value says it
	right bool
	// A narrow screen goes without the columns with the highest rank.
	rank int
}

var watchColumns = []watchColumn{
	{"tunnel", "", false, 0},
	{"user", "", false, 5},
	{"peer", "", false, 7},
	{"address", "", false, 8},
	{"state", "", false, 1},
	{"for", "", false, 6},
	{"in", "in", true, 2},
	{"out", "out", true, 2},
	{"packets in/s", "packets in/s", true, 9},
	{"packets out/s", "packets out/s", true, 9},
	{"lost", "lost", true, 3},
	{"disorder", "disorder", true, 4},
}

// watchRow is a cell for each column, and what is to be said besides.
type watchRow struct {
	cells []string
	note  string
}

// watchRows are those of a look; last is the look before, elapsed ago.
func watchRows(results, last []status.Result, elapsed time.Duration) (rows []watchRow) {
	for _, r := range results {
		name := strings.TrimSuffix(filepath.Base(r.Path), ".sock")
		s := r.Snapshot
		switch {
		case r.Err != nil:
			rows = append(rows, noSession(name, "no answer", "-", exit.OneLine(r.Err.Error())))
		case len(s.Sessions) == 0 && s.Client == nil:
			rows = append(rows, noSession(name, "no session", "-", ""))
		case len(s.Sessions) == 0:
			rows = append(rows, noSession(name, printable(s.Client.State), age(s.Time, s.Client.Since), waitNote(s)))
		}
		before := sessionsBefore(last, r)
		for _, v := range s.Sessions {
			old, known := before[v.ID]
			address := v.Remote
			if s.Client != nil {
				address = v.Local
			}
			row := watchRow{cells: []string{
				name, dash(printable(v.User)), printable(v.Peer), tunnelAddr(address), printable(v.State), age(s.Time, v.Since),
				bitRate(perSecond(v.BytesIn, old.BytesIn, known, elapsed)), bitRate(perSecond(v.BytesOut, old.BytesOut, known, elapsed)),
				packetRate(perSecond(v.PacketsIn, old.PacketsIn, known, elapsed)), packetRate(perSecond(v.PacketsOut, old.PacketsOut, known, elapsed)),
			}}
			lost, disorder := shares(v.Window, old.Window, known)
			row.cells = append(row.cells, lost, disorder)
			// One that closes waits for no login; what comes then is said when it is gone.
			if s.Client != nil && s.Client.State != status.Up && v.State != "closing" {
				row.note = waitNote(s)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// noSession is the row of a tunnel without one.
func noSession(name, state, since, note string) watchRow {
	row := watchRow{cells: slices.Repeat([]string{"-"}, len(watchColumns)), note: note}
	row.cells[0], row.cells[4], row.cells[5] = name, state, since
	return row
}

// waitNote says what a client waits for.
func waitNote(s status.Snapshot) string {
	note := ""
	if what := waitFor[s.Client.WaitsFor]; what != "" {
		note = "waits for " + what
	}
	if s.Client.State == status.Reconnecting {
		note += ", next attempt " + until(s.Time, s.Client.NextAttempt)
	}
	return note
}

// shares are how many of the packets that were sent to this end in the time between two looks never
// came, and how many came out of order: early ones, which had to wait, and late ones.
func shares(now, before status.Window, known bool) (lost, disorder string) {
	if !known || now.Accepted < before.Accepted || now.Buffered < before.Buffered || now.UnderWindow < before.UnderWindow {
		return "-", "-"
	}
	accepted, late := now.Accepted-before.Accepted, now.UnderWindow-before.UnderWindow
	gone := now.Lost - min(before.Lost, now.Lost) // it falls where a late packet is delivered
	return percent(gone, accepted+gone), percent(now.Buffered-before.Buffered+late, accepted+late)
}

// percent is a share of what there was; of nothing there is none.
func percent(part, of uint64) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(of))
}

// writeLines writes a line a row, each with the time.
func writeLines(out io.Writer, rows []watchRow, now time.Time) {
	for _, r := range rows {
		fmt.Fprint(out, now.Format(time.RFC3339))
		for i, c := range watchColumns {
			switch {
			case r.cells[i] == "-":
			case c.line != "":
				fmt.Fprintf(out, " %s %s", c.line, r.cells[i])
			default:
				fmt.Fprintf(out, " %s", r.cells[i])
			}
		}
		if r.note != "" {
			fmt.Fprintf(out, " (%s)", r.note)
		}
		fmt.Fprintln(out)
	}
}

// writeScreen writes a table that is no wider and no higher than a terminal. Each line ends with
// what erases the rest of the old one.
func writeScreen(out io.Writer, rows []watchRow, now time.Time, width, height int) {
	const around = 5 // lines: the time, an empty one, the titles, how many more, and the cursor's
	more := 0
	if most := max(height-around, 1); len(rows) > most {
		rows, more = rows[:most], len(rows)-most
	}
	var text strings.Builder
	fmt.Fprintln(&text, now.Format(time.DateTime))
	fitted(rows, width).write(&text)
	for _, r := range rows {
		if r.note != "" && more == 0 && strings.Count(text.String(), "\n") < height-1 {
			fmt.Fprintf(&text, "%s: %s\n", r.cells[0], r.note)
		}
	}
	if more > 0 {
		fmt.Fprintf(&text, "and %d more\n", more)
	}
	var b strings.Builder
	b.WriteString("\x1b[H")
	for line := range strings.Lines(text.String()) {
		b.WriteString(cut(strings.TrimSuffix(line, "\n"), width) + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	_, _ = io.WriteString(out, b.String()) // out is a buffer
}

// fitted is a table of the columns that there is room for.
func fitted(rows []watchRow, width int) *table {
	shown := make([]int, len(watchColumns))
	for i := range shown {
		shown[i] = i
	}
	for {
		var titles []string
		for _, i := range shown {
			titles = append(titles, watchColumns[i].title)
		}
		t := newTable(titles...)
		for n, i := range shown {
			t.columns[n].right = watchColumns[i].right
		}
		for _, r := range rows {
			var cells []any
			for _, i := range shown {
				cells = append(cells, r.cells[i])
			}
			t.add(cells...)
		}
		if t.width() <= width || len(shown) == 1 {
			return t
		}
		worst := slices.MaxFunc(shown, func(a, b int) int { return cmp.Compare(watchColumns[a].rank, watchColumns[b].rank) })
		shown = slices.DeleteFunc(shown, func(i int) bool { return watchColumns[i].rank == watchColumns[worst].rank })
	}
}

// cut is as much of a line as there is room for.
func cut(line string, width int) string {
	for textWidth(line) > width {
		runes := []rune(line)
		line = string(runes[:len(runes)-1])
	}
	return line
}
