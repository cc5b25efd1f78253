// Command statefuzz lets hostile peers at a server and at clients of this project, for as long as
// asked, and fails if anything goes wrong: see scale.Fuzz.
//
//	make statefuzz DURATION=10m                        with the race detector
//	go run -race ./tools/statefuzz -seed 7           the same chances once more
//
// It exits with 1 if anything was wrong, and names the seed.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/arc4tun/arc4tun/internal/bench/scale"
)

func main() {
	var cfg scale.FuzzConfig
	flag.DurationVar(&cfg.Duration, "duration", 10*time.Minute, "of all rounds together")
	flag.Uint64Var(&cfg.Seed, "seed", 0, "of all the chances; 0: one by chance, which is printed")
	flag.IntVar(&cfg.Rounds, "rounds", 3, "after each, nothing may be left")
	flag.IntVar(&cfg.Peers, "peers", 12, "hostile peers at once")
	asJSON := flag.Bool("json", false, "print JSON")
	verbose := flag.Bool("v", false, "show the log of the real ends")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *verbose {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	good, err := run(ctx, cfg, *asJSON, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "statefuzz:", err)
	}
	if err != nil || !good {
		os.Exit(1)
	}
}

// run says the seed first, for a panic ends everything.
func run(ctx context.Context, cfg scale.FuzzConfig, asJSON bool, stdout, stderr io.Writer) (good bool, err error) {
	for cfg.Seed == 0 {
		cfg.Seed = uint64(rand.Uint32())
	}
	fmt.Fprintf(stderr, "statefuzz: seed %d, %v\n", cfg.Seed, cfg.Duration)
	cfg.Progress = func(line string) { fmt.Fprintln(stderr, line) }
	r, err := scale.Fuzz(ctx, cfg)
	if r == nil {
		return false, err
	}
	if asJSON {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		if writeErr := e.Encode(r); writeErr != nil {
			return false, writeErr
		}
	} else {
		fmt.Fprintf(stdout, "seed %d, %.0f s: %s\n", r.Seed, r.Took.Seconds(), r)
	}
	return err == nil && len(r.Faults) == 0, err
}
