// Command benchrouter measures the router build of arc4 on the machine that it is for, and holds it
// against what it is to reach: a table with a verdict in each line.
//
//	make bench-router                                  everything
//	go run ./tools/benchrouter -parts size,instructions
//	go run ./tools/benchrouter -json >router.json
//
// The machine is the emulated router of interop/router, whose instructions are counted: what else
// runs here changes nothing but how long it takes. The exit code is 1 where a bar is not reached.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/internal/malta"
)

// options are the flags.
type options struct {
	rounds  int
	parts   []string
	json    bool
	program string
}

// parts are what can be measured alone, in this order.
var parts = []string{"size", "instructions", "ciphers", "start", "memory", "tunnels"}

// errBelow ends the program with exit code 1 once the table is printed.
var errBelow = errors.New("not every bar is reached")

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "how many `times` everything is measured in a boot, in turns")
	chosen := flag.String("parts", "", "what to measure, separated by commas: "+strings.Join(parts, ", ")+" (default: all)")
	flag.BoolVar(&o.json, "json", false, "print the table and all figures as JSON")
	flag.StringVar(&o.program, "arc4", "", "`FILE` to measure instead of the router build for mipsle")
	flag.Parse()
	o.parts = parts
	if *chosen != "" {
		o.parts = strings.Split(*chosen, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "benchrouter:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context, stdout, stderr io.Writer) error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q; it takes flags only", flag.Arg(0))
	case o.rounds < 1:
		return fmt.Errorf("-rounds %d: give 1 or more", o.rounds)
	}
	for _, p := range o.parts {
		if !slices.Contains(parts, p) {
			return fmt.Errorf("-parts %s: there are %s", p, strings.Join(parts, ", "))
		}
	}
	f, err := o.measure(ctx, stderr)
	if err != nil {
		return err
	}
	verdicts := judge(f)
	if o.json {
		err = writeJSON(stdout, verdicts, f)
	} else {
		err = writeTable(stdout, verdicts, f)
	}
	if err != nil {
		return err
	}
	for _, v := range verdicts {
		if v.Measured != nil && !v.Reached {
			return errBelow
		}
	}
	return nil
}

// measure takes all figures of the chosen parts; each line on w says what is going on.
func (o options) measure(ctx context.Context, w io.Writer) (figures, error) {
	begin := time.Now()
	say := func(text string) { fmt.Fprintf(w, "%5.0f s  %s\n", time.Since(begin).Seconds(), text) }
	dir, err := os.MkdirTemp("", "benchrouter")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := o.program
	if program == "" {
		say("building for mipsle")
		program = filepath.Join(dir, "arc4")
		if err := malta.Build(ctx, ".", "mipsle", program, false); err != nil {
			return nil, err
		}
	}
	f := figures{}
	if slices.Contains(o.parts, "size") {
		say("packing it with xz")
		if err := measureSize(ctx, program, f); err != nil {
			return nil, err
		}
	}
	if slices.Contains(o.parts, "instructions") {
		for _, p := range processors {
			say("counting instructions on " + p.name)
			if err := countPackets(ctx, ".", p, f); err != nil {
				return nil, err
			}
		}
	}
	server := filepath.Join(dir, "server")
	if slices.Contains(o.parts, "memory") {
		say("building the server for this machine")
		if err := malta.BuildServer(ctx, ".", server); err != nil {
			return nil, err
		}
	}
	return f, o.measureBoots(ctx, program, server, f, say)
}

// measureBoots runs the jobs of the chosen parts.
func (o options) measureBoots(ctx context.Context, program, server string, f figures, say func(string)) error {
	var router *malta.Router
	for _, b := range boots(o.rounds, server) {
		if !slices.Contains(o.parts, b.name) {
			continue
		}
		if router == nil {
			say("making the emulated router")
			var err error
			if router, err = malta.Prepare(ctx, "."); err != nil {
				return err
			}
		}
		say(fmt.Sprintf("booting %d MB for: %s", b.job.Memory, b.name))
		if err := b.run(ctx, router, program, f, say); err != nil {
			return err
		}
	}
	return nil
}

// writeJSON prints the table and every figure.
func writeJSON(w io.Writer, verdicts []verdict, f figures) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{"rows": verdicts, "figures": f})
}
