package tunnels

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/internal/stats"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// Config says what to measure. Nothing of it may be empty but what is said to be.
type Config struct {
	Rows     []Row
	Columns  []Column
	Backends []*arc4.Backend // each makes a table of its own
	Both     bool            // the upload too
	Delays   bool            // the one-way delays too
	Duration time.Duration   // of each transfer, as far as it counts
	Omit     time.Duration   // of each transfer, before that; negative: as long as slow start may take
	Count    int             // every cell so many times, in turns; the median counts
	// Congestion is the name of TCP's congestion control; "" is the system's.
	Congestion string
	Reorder    reorder.Config // the windows, but for their policies
	Link       link.Config    // what is the same in all rows; its delay and jitter are not used
	Lab        lab.Config     // Mode, Why and Log
	Observer   Observer       // told as measuring goes on; may be nil
}

// Observer is told what is being measured; never twice at a time.
type Observer interface {
	Begin(what string, lasts time.Duration)
	End()
}

// probing is how long delays are measured for; it is that much of a longer row too.
const probing = 2 * time.Second

// Cell is what was measured of one row in one column, in one direction.
type Cell struct {
	Row     Row
	Column  Column
	Backend string // of the tunnel; the same for raw
	Upload  bool

	BitsPerSecond float64   // the median of Samples
	Samples       []float64 // of each transfer, bits a second
	Window        reorderStats
}

// reorderStats are the counters of the receiving end's window over all transfers of a
// cell; zero without a tunnel.
type reorderStats = status.Window

// DelayCell is the one-way delay of probes in one row and column.
type DelayCell struct {
	Row            Row // its Window does not matter
	Column         Column
	Sent, Received int
	Overtaken      int
	P50, P90, P99  time.Duration
}

// Report is what was measured.
type Report struct {
	Mode, Why  string // of the lab
	Congestion string // control of TCP
	Config     Config
	Cells      []Cell
	Delays     []DelayCell
}

// Total is how long everything will take at least.
func (c *Config) Total() time.Duration {
	directions := 1
	if c.Both {
		directions = 2
	}
	total := time.Duration(0)
	for _, row := range c.Rows {
		total += time.Duration(len(c.Columns)*len(c.Backends)*directions*c.Count) * (c.omit(row) + c.Duration)
	}
	if c.Delays {
		total += time.Duration(len(c.paths())*len(c.Columns)) * probing
	}
	return total
}

// slowStart is how many times a row's longest delay TCP may take until its window, or the
// link, limits it: from 10 segments to 8 MB the window doubles ten times, and where jitter
// looks to it like a queue it stops doubling and takes as long again.
const slowStart = 20

// omit is how long a transfer over the row runs before it counts.
func (c *Config) omit(row Row) time.Duration {
	if c.Omit >= 0 {
		return c.Omit
	}
	return slowStart * (row.Delay + row.Jitter)
}

// paths are the rows that differ in their link.
func (c *Config) paths() (rows []Row) {
	for _, r := range c.Rows {
		r.Window = SmallWindow
		if !slices.Contains(rows, r) {
			rows = append(rows, r)
		}
	}
	return rows
}

// Run measures. When ctx ends, the report holds what was measured by then, and the
// error is ctx's.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	report := &Report{Config: cfg}
	for n, backend := range cfg.Backends {
		if err := report.measure(ctx, backend, n == 0); err != nil {
			return report, err
		}
	}
	return report, nil
}

// measure does all that one backend is measured on; first tells whether delays,
// which do not depend on it, are to be measured along.
func (r *Report) measure(ctx context.Context, backend *arc4.Backend, first bool) (err error) {
	cfg := r.Config.Lab
	cfg.Backend = backend
	l, err := lab.New(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	r.Mode, r.Why = l.Mode().String(), l.Why()
	if r.Congestion = r.Config.Congestion; r.Congestion == "" {
		if r.Congestion, err = l.Congestion(); err != nil {
			return err
		}
	}
	for range r.Config.Count {
		for _, row := range r.Config.Rows {
			for _, column := range r.Config.Columns {
				if err := r.transfers(ctx, l, row, column, backend.Name()); err != nil {
					return err
				}
			}
		}
	}
	if !r.Config.Delays || !first {
		return nil
	}
	for _, row := range r.Config.paths() {
		for _, column := range r.Config.Columns {
			if err := r.probe(ctx, l, row, column); err != nil {
				return err
			}
		}
	}
	return nil
}

// set brings up the column's tunnel, which is a new one each time, and the row's
// link in the direction that is measured; the other one has its rate only, as an
// asymmetric delay is what both ends see of it anyway.
func (r *Report) set(ctx context.Context, l *lab.Lab, row Row, column Column, upload bool) error {
	var err error
	if column == Raw {
		err = l.StopTunnel()
	} else {
		window := r.Config.Reorder
		window.Policy = column.policy()
		err = l.StartTunnel(ctx, lab.TunnelConfig{Reorder: window})
	}
	if err != nil {
		return err
	}
	measured, back := row.over(r.Config.Link), link.Config{Rate: r.Config.Link.Rate}
	if upload {
		return l.SetLink(back, measured)
	}
	return l.SetLink(measured, back)
}

func path(column Column) lab.Path {
	if column == Raw {
		return lab.Raw
	}
	return lab.Tunnel
}

// transfers measures one cell once in each direction.
func (r *Report) transfers(ctx context.Context, l *lab.Lab, row Row, column Column, backend string) error {
	for _, upload := range []bool{false, true} {
		if upload && !r.Config.Both {
			continue
		}
		if err := r.set(ctx, l, row, column, upload); err != nil {
			return err
		}
		omit := r.Config.omit(row)
		r.begin(fmt.Sprintf("%v, %s", row, column), omit+r.Config.Duration)
		got, err := l.Measure(ctx, lab.Transfer{
			Path: path(column), Upload: upload, Omit: omit, Duration: r.Config.Duration,
			TCP: lab.TCP{Window: row.Window, Congestion: r.Config.Congestion},
		})
		r.end()
		if err != nil {
			return fmt.Errorf("%v, %s: %w", row, column, err)
		}
		c := r.cell(Cell{Row: row, Column: column, Backend: backend, Upload: upload})
		c.Samples = append(c.Samples, got.BitsPerSecond)
		c.BitsPerSecond = stats.Median(c.Samples)
		c.Window = plus(c.Window, window(l, upload))
	}
	return nil
}

// cell finds the cell, or makes it.
func (r *Report) cell(want Cell) *Cell {
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.Row == want.Row && c.Column == want.Column && c.Backend == want.Backend && c.Upload == want.Upload {
			return c
		}
	}
	r.Cells = append(r.Cells, want)
	return &r.Cells[len(r.Cells)-1]
}

// window gives the counters of the window that put the transfer's packets in order.
func window(l *lab.Lab, upload bool) reorderStats {
	server, client, ok := l.Snapshots()
	end := client
	if upload {
		end = server
	}
	if !ok || len(end.Sessions) != 1 {
		return reorderStats{}
	}
	return end.Sessions[0].Window
}

func plus(a, b reorderStats) reorderStats {
	a.Accepted += b.Accepted
	a.UnderWindow += b.UnderWindow
	a.Buffered += b.Buffered
	a.Duplicated += b.Duplicated
	a.Lost += b.Lost
	return a
}

func (r *Report) probe(ctx context.Context, l *lab.Lab, row Row, column Column) error {
	if err := r.set(ctx, l, row, column, false); err != nil {
		return err
	}
	r.begin(fmt.Sprintf("%s, %s, delay", row.Path(), column), probing)
	d, err := l.MeasureDelay(ctx, lab.Probe{Path: path(column), Duration: probing})
	r.end()
	if err != nil {
		return fmt.Errorf("%s, %s: %w", row.Path(), column, err)
	}
	r.Delays = append(r.Delays, DelayCell{
		Row: row, Column: column, Sent: d.Sent, Received: d.Received, Overtaken: d.Overtaken,
		P50: d.Quantile(0.5), P90: d.Quantile(0.9), P99: d.Quantile(0.99),
	})
	return nil
}

func (r *Report) begin(what string, lasts time.Duration) {
	if r.Config.Observer != nil {
		r.Config.Observer.Begin(what, lasts)
	}
}

func (r *Report) end() {
	if r.Config.Observer != nil {
		r.Config.Observer.End()
	}
}
