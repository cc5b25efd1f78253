//go:build !nospeedtunnel

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
	"github.com/arc4tun/arc4tun/internal/bench/chart"
	"github.com/arc4tun/arc4tun/internal/bench/tunnels"
	"github.com/arc4tun/arc4tun/internal/features"
	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

const speedTunnelLong = `tunnel measures what TCP gets over a link that delays and reorders packets: without a tunnel (raw), and through an
encrypted tunnel whose reorder window drops what is late, as the stock Linux kernel driver does (drop), holds packets
until they are in order (order), or hands each on at once (immediate). A second table has the one-way delays of a
packet every millisecond.

A row is "none" or a delay, its jitter behind ± or +-, and the TCP window behind /: 3ms, 3ms±1ms, 200ms+-50ms/8m.
Delay and jitter are one way, in the direction of the data.

How much TCP minds packets out of order depends on its congestion control (--congestion). Over long delays it takes
seconds to come out of its slow start; these do not count (--omit). A jitter of 50 ms spreads packets over 100 ms: those
of faster rows than 2,048 packets in that time need a larger --reorder-window.

Both ends run in this process. On Linux they are network namespaces, with the kernel's TCP and raw GRE sockets, which
takes root or a user namespace; elsewhere, or with --userspace, they are TCP/IP stacks in this process. The link is
emulated in this process too. Nothing stays behind.`

const speedTunnelExample = `  arc4 speed tunnel
  arc4 speed tunnel --rows 3ms,3ms±1ms --cols raw,drop,order --seconds 10
  arc4 speed tunnel --both --loss 0.1% --rate 100mbit --json
  arc4 speed tunnel --backend all --plot backends.svg
  arc4 speed tunnel --rows 200ms±50ms/8m --congestion cubic --reorder-window 8192
  arc4 speed tunnel --plot table.png`

// speedTunnelOptions are the flags of speed tunnel.
type speedTunnelOptions struct {
	seconds                                      time.Duration
	count                                        int
	rows, cols                                   []string
	both, delays                                 bool
	loss, duplicate, reorder, rate, distribution string
	backend                                      string
	userspace, json                              bool
	plot                                         string
	omit, congestion                             string
	window                                       int
	memory                                       memoryFlag
}

func newSpeedTunnelCmd() *cobra.Command {
	o := speedTunnelOptions{seconds: 5 * time.Second, count: 1}
	var rows, cols []string
	for _, r := range tunnels.DefaultRows() {
		rows = append(rows, r.String())
	}
	for _, c := range tunnels.Columns() {
		cols = append(cols, string(c))
	}
	cmd := &cobra.Command{
		Use:     "tunnel",
		Short:   "Measure TCP through whole tunnels over links that reorder",
		Long:    speedTunnelLong,
		Example: speedTunnelExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.Var((*cmdline.Seconds)(&o.seconds), "seconds", "how long each transfer lasts: seconds, or a duration such as 500ms")
	f.StringVar(&o.omit, "omit", "auto", "how long each transfer runs before it counts, such as 2s; auto: 20 times the row's delay, for slow start")
	f.Var(&cmdline.Count{Value: &o.count, Max: maxTunnelCount}, "count", "measure everything `N` times, in turns, and take the medians")
	f.Var(cmdline.NewList(&o.rows, rows...), "rows", "the links, a list (see above)")
	f.Var(cmdline.NewList(&o.cols, cols...), "cols", "the ways of the packets, a list: raw, drop, order, immediate")
	f.BoolVar(&o.both, "both", false, "measure the upload too")
	f.BoolVar(&o.delays, "delays", true, "measure one-way delays too")
	f.StringVar(&o.loss, "loss", "0%", "share of packets the link loses")
	f.StringVar(&o.duplicate, "duplicate", "0%", "share of packets the link doubles")
	f.StringVar(&o.reorder, "reorder", "0%", "share of packets that skip the delay, besides those that jitter reorders")
	f.StringVar(&o.rate, "rate", "0", "rate of the link, such as 100mbit or 1gbit; 0 for none")
	f.StringVar(&o.distribution, "distribution", "uniform", "of the jitter: uniform, normal or pareto")
	f.StringVar(&o.backend, "backend", "auto", "RC4 backend; all compares them, by default on row none in column order")
	f.StringVar(&o.congestion, "congestion", "", "TCP's congestion control by `NAME`, such as cubic, instead of the system's")
	f.IntVar(&o.window, "reorder-window", reorder.DefaultSize, "how many `PACKETS` the reorder window reaches over, a power of two")
	f.BoolVar(&o.userspace, "userspace", false, "use TCP/IP stacks in this process even where network namespaces can be had")
	f.BoolVar(&o.json, "json", false, "one JSON object")
	o.memory.addFlag(f)
	f.StringVar(&o.plot, "plot", "", "draw the download into `FILE`, whose name ends in .svg or .png")
	completions := map[string]cobra.CompletionFunc{
		"cols":         clidoc.CompleteList(cols...),
		"rows":         clidoc.CompleteList(append([]string{"none"}, rows...)...),
		"distribution": cobra.FixedCompletions([]string{"uniform", "normal", "pareto"}, cobra.ShellCompDirectiveNoFileComp),
		"congestion":   cobra.FixedCompletions([]string{"cubic", "reno", "bbr"}, cobra.ShellCompDirectiveNoFileComp),
		"omit":         cobra.FixedCompletions([]string{"auto", "0s", "2s"}, cobra.ShellCompDirectiveNoFileComp),
		"plot":         cobra.FixedCompletions(chart.Formats(), cobra.ShellCompDirectiveFilterFileExt),
	}
	completions["backend"] = func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		names, directive := completeBackends(cmd, args, begun)
		return append(names, "all"), directive
	}
	for flag, complete := range completions {
		if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
			panic(err)
		}
	}
	return cmd
}

const maxTunnelCount = 100

// tunnelNeeds is what the measurement takes beside the program itself: TCP without a limit fills
// the links.
var tunnelNeeds = memory.Need{Small: 40 * memory.MiB, Normal: 90 * memory.MiB}

func (o *speedTunnelOptions) run(cmd *cobra.Command, stdout, stderr io.Writer) error {
	ctx := cmd.Context()
	cfg, err := o.config(cmd)
	if err != nil {
		return exit.Usagef("%w", err)
	}
	var picture string
	if o.plot != "" {
		if picture, err = chart.FormatOf(o.plot); err != nil {
			return exit.Usagef("--plot %w", err)
		}
		if !features.Plot {
			return exit.Usagef("--plot %s: this build draws no charts (build tag noplot)", o.plot)
		}
	}
	plan := o.memory.plan()
	if err := tunnelNeeds.Check(plan); err != nil {
		return fmt.Errorf("speed tunnel: %w", err)
	}
	var done bool
	if cfg.Lab, done, err = laboratory(ctx, o.userspace, plan.Small); done {
		return err
	}
	f, err := o.openPicture()
	if err != nil {
		return err
	}
	p := report.NewProgress(stderr, cfg.Total())
	cfg.Observer = &tunnelProgress{bar: p}
	result, err := tunnels.Run(ctx, cfg)
	p.End()
	interrupted := ctx.Err() != nil
	if err != nil && !interrupted {
		return errors.Join(err, drawInto(f, nil, picture))
	}
	if err := errors.Join(o.write(result, stdout), drawInto(f, result, picture)); err != nil {
		return err
	}
	if interrupted {
		return errors.New("interrupted: the report holds only what was measured by then")
	}
	return nil
}

// write prints the report.
func (o *speedTunnelOptions) write(r *tunnels.Report, stdout io.Writer) (err error) {
	if o.json {
		err = r.WriteJSON(stdout, versionString())
	} else {
		err = r.WriteTable(stdout)
	}
	if err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	return nil
}

// openPicture opens the file of --plot, nil without one: now, for after minutes of
// measuring it is too late to hear that it cannot be written.
func (o *speedTunnelOptions) openPicture() (*os.File, error) {
	if o.plot == "" {
		return nil, nil
	}
	f, err := os.OpenFile(o.plot, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("--plot: %w", err)
	}
	return f, nil
}

// drawInto draws the report into f and closes it. Without anything to draw, the file
// is what it was before, or gone if it is empty.
func drawInto(f *os.File, r *tunnels.Report, format string) error {
	if f == nil {
		return nil
	}
	if r == nil || len(r.Cells) == 0 {
		info, err := f.Stat()
		if err == nil && info.Mode().IsRegular() && info.Size() == 0 {
			err = os.Remove(f.Name())
		}
		return errors.Join(err, f.Close())
	}
	var picture bytes.Buffer
	err := r.Chart().Write(&picture, format)
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.Write(picture.Bytes())
	}
	if err != nil {
		err = fmt.Errorf("--plot: %w", err)
	}
	return errors.Join(err, f.Close())
}

// config turns the flags into what is to be measured; the error names the flag.
func (o *speedTunnelOptions) config(cmd *cobra.Command) (cfg tunnels.Config, err error) {
	cfg = tunnels.Config{Both: o.both, Delays: o.delays, Duration: o.seconds, Count: o.count}
	rows, cols := o.rows, o.cols
	if o.backend == "all" {
		cfg.Backends = arc4.Backends()
		if !cmd.Flags().Changed("rows") {
			rows = []string{"none"}
		}
		if !cmd.Flags().Changed("cols") {
			cols = []string{string(tunnels.Order)}
		}
		if !cmd.Flags().Changed("delays") {
			cfg.Delays = false
		}
	} else {
		b, err := arc4.Lookup(o.backend)
		if err != nil {
			return cfg, fmt.Errorf("--backend %s: %w", o.backend, err)
		}
		cfg.Backends = []*arc4.Backend{b}
	}
	for _, text := range rows {
		row, err := tunnels.ParseRow(text)
		if err != nil {
			return cfg, fmt.Errorf("--rows: %w", err)
		}
		cfg.Rows = append(cfg.Rows, row)
	}
	for _, name := range cols {
		column, err := tunnels.ParseColumn(name)
		if err != nil {
			return cfg, fmt.Errorf("--cols: %w", err)
		}
		cfg.Columns = append(cfg.Columns, column)
	}
	if cfg.Omit, err = o.omitted(); err != nil {
		return cfg, err
	}
	if o.window < 2 || o.window > reorder.MaxSize || o.window&(o.window-1) != 0 {
		return cfg, reorderWindowError(o.window)
	}
	cfg.Congestion, cfg.Reorder.Size = o.congestion, o.window
	if len(cfg.Rows) == 0 || len(cfg.Columns) == 0 {
		return cfg, errors.New("--rows and --cols: each needs one at least")
	}
	cfg.Link, err = o.link()
	return cfg, err
}

// maxOmit is the longest beginning of a transfer that may be left out.
const maxOmit = 10 * time.Minute

// omitted reads --omit; negative is auto.
func (o *speedTunnelOptions) omitted() (time.Duration, error) {
	if o.omit == "auto" {
		return -1, nil
	}
	d, err := time.ParseDuration(o.omit)
	if o.omit == "0" {
		d, err = 0, nil
	}
	if err != nil || d < 0 || d > maxOmit {
		return 0, fmt.Errorf("--omit %s: give a duration such as 2s, 0s to %v, or auto", o.omit, maxOmit)
	}
	return d, nil
}

// link reads the flags that have the words of tc-netem.
func (o *speedTunnelOptions) link() (c link.Config, err error) {
	for _, flag := range []struct{ word, value, unset string }{
		{"loss", o.loss, "0%"}, {"duplicate", o.duplicate, "0%"}, {"rate", o.rate, "0"}, {"distribution", o.distribution, ""},
	} {
		if flag.value == flag.unset {
			continue
		}
		one, err := link.Parse(flag.word + " " + strconv.Quote(flag.value))
		if len(strings.Fields(flag.value)) == 1 {
			one, err = link.Parse(flag.word + " " + flag.value)
		}
		if err != nil {
			return c, fmt.Errorf("--%s: %w", flag.word, err)
		}
		c.Loss, c.Duplicate = max(c.Loss, one.Loss), max(c.Duplicate, one.Duplicate)
		c.Rate, c.Distribution = max(c.Rate, one.Rate), max(c.Distribution, one.Distribution)
	}
	if o.reorder != "0%" {
		// The word needs a delay that some packets can skip.
		one, err := link.Parse("delay 1ms reorder " + strings.ReplaceAll(o.reorder, " ", "_"))
		if err != nil {
			return c, fmt.Errorf("--reorder: %w", err)
		}
		c.Reorder = one.Reorder
	}
	return c, nil
}

// tunnelProgress tells the progress bar what the measurement says.
type tunnelProgress struct {
	bar  *report.Progress
	stop func()
}

func (p *tunnelProgress) Begin(what string, lasts time.Duration) {
	p.bar.Begin(what, lasts)
	p.stop = p.bar.Tick()
}

func (p *tunnelProgress) End() { p.stop() }

var _ tunnels.Observer = (*tunnelProgress)(nil)
