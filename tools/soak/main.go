// Command soak keeps a tunnel under bad conditions for as long as asked, and fails if anything goes
// wrong: see package internal/bench/soak.
//
//	make soak                                          an hour
//	go run ./tools/soak -duration 4m -mode userspace
//	go run ./tools/soak -seed 7 -only 12             one scene of a run once more
//
// It exits with 1 if anything was wrong, and says how to see it again.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/arc4tun/arc4tun/internal/bench/soak"
	"github.com/arc4tun/arc4tun/internal/lab"
)

// options are the flags.
type options struct {
	duration time.Duration
	seed     uint64
	mode     string
	only     int
	json     bool
	verbose  bool
}

func main() {
	var o options
	flag.DurationVar(&o.duration, "duration", time.Hour, "no scene begins after this")
	flag.Uint64Var(&o.seed, "seed", 0, "of all the chances; 0: one by chance, which the report names")
	flag.StringVar(&o.mode, "mode", "auto", "kernel: network namespaces, userspace: TCP/IP stacks in this process, auto: kernel if that can be had")
	flag.IntVar(&o.only, "only", 0, "play scene `N` of the seed's plan alone")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.BoolVar(&o.verbose, "v", false, "show the log of both ends")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	good, err := o.run(ctx, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
	}
	if err != nil || !good {
		os.Exit(1)
	}
}

// config checks the flags.
func (o options) config() (soak.Config, error) {
	cfg := soak.Config{Duration: o.duration, Seed: o.seed, Only: o.only}
	modes := map[string]lab.Mode{"auto": lab.Auto, "kernel": lab.Kernel, "userspace": lab.Userspace}
	mode, known := modes[o.mode]
	switch {
	case !known:
		return cfg, fmt.Errorf("-mode %q: use auto, kernel or userspace", o.mode)
	case o.duration <= 0:
		return cfg, fmt.Errorf("-duration %v: must be more than 0, such as 1h", o.duration)
	case o.only < 0:
		return cfg, fmt.Errorf("-only %d: scenes are numbered from 1", o.only)
	case o.only > 0 && o.seed == 0:
		return cfg, errors.New("-only: needs the -seed whose scene is meant")
	case flag.NArg() > 0:
		return cfg, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	cfg.Mode = mode
	if mode == lab.Userspace {
		cfg.Why = "-mode userspace"
	}
	for cfg.Seed == 0 {
		cfg.Seed = uint64(rand.Uint32())
	}
	return cfg, nil
}

func (o options) run(ctx context.Context, stdout, stderr io.Writer) (good bool, err error) {
	cfg, err := o.config()
	if err != nil {
		return false, err
	}
	if cfg.Mode != lab.Userspace {
		done, code, why := lab.Enter(ctx)
		if done {
			os.Exit(code)
		}
		if why != "" && cfg.Mode == lab.Auto {
			cfg.Mode, cfg.Why = lab.Userspace, why
		}
	}
	if o.verbose {
		cfg.Log = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	p := newProgress(stderr, cfg)
	cfg.Observer = p
	result, err := soak.Run(ctx, cfg)
	p.end()
	if result == nil {
		return false, err
	}
	if writeErr := o.write(result, stdout); writeErr != nil {
		return false, writeErr
	}
	if ctx.Err() != nil {
		return false, errors.New("interrupted")
	}
	return result.Good(), err
}

func (o options) write(r *soak.Result, out io.Writer) error {
	if o.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return r.WriteTable(out)
}
