// Command benchtunnel compares ways through the network on this machine: two network namespaces
// with a pair of virtual Ethernet links between them, and over that nothing, wireguard-go, this
// project's tunnel by each way of sending and without its cipher, and bare GRE without a tunnel,
// which shows where the kernel's cost of a packet is the limit.
//
//	make bench-tunnel                                            the whole comparison
//	go run ./tools/benchtunnel -rounds 1 -only wireguard-go,arc4-xsk  a short look
//
// It needs Linux, root, iperf3 and ethtool. What is compared is measured in turns, several times
// over, and the table holds medians. wireguard-go is built from its module at the version in
// go.mod, for this alone.
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
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	rounds  int
	seconds int
	only    string
	json    bool
	dir     string
	program string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "how many `times` everything is measured")
	flag.IntVar(&o.seconds, "seconds", 4, "how long each TCP flow runs; the flood of small packets runs half as long")
	flag.StringVar(&o.only, "only", "", "`names` to measure, separated by commas: "+strings.Join(names(), ", "))
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.StringVar(&o.dir, "dir", "build/benchtunnel", "where the programs are built")
	flag.StringVar(&o.program, "arc4", "", "an arc4 `program` instead of one built from here")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.run(ctx, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "benchtunnel:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context, stdout, stderr io.Writer) error {
	chosen, err := choose(o.only)
	switch {
	case err != nil:
		return err
	case o.rounds < 1:
		return fmt.Errorf("cannot measure %d times: give 1 or more", o.rounds)
	case o.seconds < 2:
		return fmt.Errorf("%d seconds are too short: give 2 or more", o.seconds)
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	say := newProgress(stderr, len(chosen)*(o.rounds+1))
	defer say.end()
	bench, err := open(ctx, o, chosen, say)
	if err != nil {
		return err
	}
	defer bench.close()
	all := newResults(chosen)
	for round := range o.rounds {
		for i, s := range bench.running {
			say.step(fmt.Sprintf("round %d of %d: %s", round+1, o.rounds, chosen[i].name))
			m, err := measure(ctx, s, time.Duration(o.seconds)*time.Second)
			if ctx.Err() != nil {
				return errors.New("interrupted")
			}
			if err != nil {
				return fmt.Errorf("%s: %w", chosen[i].name, err)
			}
			all.add(i, m)
		}
	}
	say.end()
	report := all.report(machineName())
	if o.json {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	return report.write(stdout)
}
