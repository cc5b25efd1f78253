package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
	"github.com/arc4tun/arc4tun/internal/progressbar"
	"github.com/arc4tun/arc4tun/speed"
)

const speedLong = `speed measures RC4 backends, and a few other ciphers for comparison, the way "openssl speed" does. Names are those of
"arc4 backends", aes-128-cbc, aes-256-cbc and crypto/rc4 (Go's own RC4), libcrypto (OpenSSL's, in builds with the tag
libcrypto), auto, which is the backend that is selected, and rc4, which is every RC4 there is; without any, everything is
measured. Flags may have one dash, as openssl has them, and -evp NAME is NAME.

Workloads:

%s
    all            every one of them

Rates are per second of CPU time of the measuring threads; --elapsed takes wall time instead, which is what counts
with more threads than processors, or beside other programs. Every key is used once, because branch predictors learn
the keys that come back. --count repeats everything, and the tables then show the median.

With --peers libcrypto and crypto/rc4 are measured in turns with the others, a few hundredths of a second each, there and
back, so that a busy neighbour slows all alike; --seconds is what each of them has in all. Behind every figure stands how
many times as fast as libcrypto it is, or as crypto/rc4 if libcrypto is not in this build: the median of the turns' ratios.
libcrypto's loops are written in C, so no call from Go is counted against it. To build it in:

    go build -tags libcrypto ./cmd/arc4    # with cgo, a C compiler and OpenSSL's headers: libssl-dev on Debian

Lines that say what is going on are for terminals; with --mr they are openssl's +DT and +R lines, on standard error.
SIGINT ends the run, and what was measured by then is printed.`

const speedExample = `  arc4 speed                                     # like "openssl speed": everything, 3 s for each size
  arc4 speed --seconds 1 --bytes 1400 u32 amd64  # two backends, one size
  arc4 speed --workload packet,mppe              # what a tunnel does with every packet
  arc4 speed --peers --bytes 1400 auto           # how many times as fast as OpenSSL and as Go
  arc4 speed --multi 4 --elapsed                 # four threads at once
  arc4 speed -seconds 1 -bytes 1400 -evp rc4     # as openssl spells it
  arc4 speed --benchfmt --count 10 > router.txt  # then: go tool benchstat -col /backend router.txt`

// speedOptions are the flags of speed.
type speedOptions struct {
	config             speed.Config
	workloads          []string
	mr, json, benchfmt bool
}

func newSpeedCmd() *cobra.Command {
	o := speedOptions{
		config:    speed.Config{Time: speed.DefaultTime, Sizes: speed.DefaultSizes, Workers: 1, Count: 1},
		workloads: []string{string(speed.Stream)},
	}
	cmd := &cobra.Command{
		Use:               "speed [NAME...]",
		Short:             "Measure RC4 backends, the way openssl speed does",
		Long:              fmt.Sprintf(speedLong, workloadHelp()),
		Example:           speedExample,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := atMostOne(cmd, "mr", "json", "benchfmt"); err != nil {
				return err
			}
			o.config.Names = args
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.Var((*cmdline.Seconds)(&o.config.Time), "seconds", "how long to measure each size: seconds, or a duration such as 500ms")
	f.Var(&cmdline.Sizes{List: &o.config.Sizes}, "bytes", "block sizes in bytes, a list; may be repeated")
	f.Var(&cmdline.Count{Value: &o.config.Workers, Max: speed.MaxWorkers}, "multi", "measure with `N` threads at once and add up their rates")
	f.Var(&cmdline.Count{Value: &o.config.Count, Max: speed.MaxCount}, "count", "measure everything `N` times, in turns")
	f.BoolVar(&o.config.Elapsed, "elapsed", false, "divide by wall time instead of CPU time")
	f.Var(cmdline.NewList(&o.workloads, o.workloads...), "workload", "what to measure, a list: all, or any of those above")
	f.BoolVar(&o.config.Peers, "peers", false, "measure in turns with libcrypto and crypto/rc4, and print ratios to them")
	f.BoolVar(&o.mr, "mr", false, "machine-readable lines, those of openssl speed -mr")
	f.BoolVar(&o.json, "json", false, "one JSON object")
	f.BoolVar(&o.benchfmt, "benchfmt", false, "Go benchmark lines, for benchstat")
	cmd.AddCommand(newSpeedTunnelCmd())
	if err := cmd.RegisterFlagCompletionFunc("workload", clidoc.CompleteList(workloadNames()...)); err != nil {
		panic(err)
	}
	return cmd
}

// run measures and prints. Whatever was measured is printed before a failure is reported.
func (o *speedOptions) run(ctx context.Context, stdout, stderr io.Writer) error {
	workloads, err := speed.ParseWorkloads(o.workloads)
	if err != nil {
		return exit.Usagef("%w", err)
	}
	cfg := o.config
	cfg.Workloads = workloads
	cfg.Version = versionString()
	cfg.Observer = o.observer(stderr, loggerFrom(ctx))
	o.remark(ctx, cfg)

	result, err := speed.Run(ctx, cfg)
	var bad *speed.ConfigError
	switch {
	case errors.As(err, &bad):
		return exit.Usagef("%w", err)
	case err != nil:
		return err
	}
	if result.Interrupted && (o.mr || progressbar.IsTerminal(stderr)) {
		fmt.Fprintln(stderr)
	}
	if err := o.write(result, stdout); err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	if err := result.Err(); err != nil {
		return err
	}
	if result.Interrupted {
		return errors.New("interrupted: the report holds only what was measured by then")
	}
	return nil
}

// observer says what is going on: openssl's sentences to a terminal, and its lines for programs to
// anything.
func (o *speedOptions) observer(stderr io.Writer, log *slog.Logger) speed.Observer {
	switch {
	case o.mr:
		return &speed.MRProgress{Out: stderr}
	case progressbar.IsTerminal(stderr):
		return &speed.Progress{Out: stderr}
	default:
		return longRun{log}
	}
}

// longRun says nothing but how long a run takes, if that is long.
type longRun struct{ log *slog.Logger }

func (longRun) Begin(speed.Case)              {}
func (longRun) Rounds([]speed.Case, int, int) {}
func (longRun) End(speed.Result)              {}

func (l longRun) Planned(measurements int, total time.Duration) {
	if total > speed.LongRun {
		l.log.Info("measuring takes a while", "measurements", measurements, "total", total.Round(time.Second))
	}
}

// remark warns of what makes rates misleading on this machine.
func (o *speedOptions) remark(ctx context.Context, cfg speed.Config) {
	log := loggerFrom(ctx)
	if cfg.Peers && !libcrypto.Built {
		log.Warn("this build has no libcrypto: ratios are to crypto/rc4", "remedy", libcrypto.HowToBuild)
	}
	if !cfg.Elapsed && !speed.HasCPUTime() {
		log.Warn("this system does not tell a thread's CPU time: measuring elapsed time", "goos", runtime.GOOS)
	} else if !cfg.Elapsed && cfg.Workers > runtime.NumCPU() {
		log.Warn("more threads than processors: CPU time counts each as if it had one of its own, --elapsed does not",
			"threads", cfg.Workers, "processors", runtime.NumCPU())
	}
}

func (o *speedOptions) write(r *speed.Report, w io.Writer) error {
	switch {
	case o.mr:
		return r.WriteMR(w)
	case o.json:
		return r.WriteJSON(w)
	case o.benchfmt:
		return r.WriteBenchfmt(w)
	default:
		return r.WriteTable(w)
	}
}

func workloadHelp() string {
	var lines []string
	for _, w := range speed.Workloads() {
		lines = append(lines, fmt.Sprintf("    %-14s %s", w, w.What()))
	}
	return strings.Join(lines, "\n")
}

func completeNames(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return append(speed.Names(), speed.AllRC4), cobra.ShellCompDirectiveNoFileComp
}

// workloadNames are what --workload takes.
func workloadNames() []string {
	names := []string{"all"}
	for _, w := range speed.Workloads() {
		names = append(names, string(w))
	}
	return names
}
