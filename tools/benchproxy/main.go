// Command benchproxy compares TCP through a tunnel by its TUN device and by its SOCKS5 proxy on
// this machine: two network namespaces with a pair of virtual Ethernet links between them for
// each, a server and a client of this project, and one stream at a time, both ways, in turns. The
// table holds medians. Afterwards 1 GB goes through the proxy, and its checksum is compared.
//
//	make bench-proxy
//	go run ./tools/benchproxy -rounds 1 -seconds 2 -bytes 0     a short look
//
// It needs Linux and root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/arc4tun/arc4tun/internal/stats"
)

// options are the flags.
type options struct {
	rounds  int
	seconds int
	bytes   int64
	verdict bool
	program string
	dir     string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how many `times` everything is measured")
	flag.IntVar(&o.seconds, "seconds", 3, "how long each stream runs")
	flag.Int64Var(&o.bytes, "bytes", 1<<30, "how many `bytes` go through the proxy afterwards, each way, with their checksum")
	flag.BoolVar(&o.verdict, "verdict", false, "fail if the proxy has less than half of the device's throughput")
	flag.StringVar(&o.program, "arc4", "", "an arc4 `program` instead of one built from here")
	flag.StringVar(&o.dir, "dir", "build/benchproxy", "where the program is built")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchproxy:", err)
		os.Exit(1)
	}
}

// ways are the columns.
var ways = []string{"TUN", "SOCKS5"}

// directions are the rows: as the client sees them.
var directions = []string{"download", "upload"}

func (o options) run(ctx context.Context, out io.Writer) error {
	if o.rounds < 1 || o.seconds < 1 || flag.NArg() > 0 {
		return errors.New("give 1 round or more, 1 second or more, and no arguments")
	}
	b, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	rates := make(map[string]map[string][]float64) // bits a second, by direction and way
	for _, d := range directions {
		rates[d] = make(map[string][]float64)
	}
	for range o.rounds {
		for _, d := range directions {
			for _, w := range ways {
				rate, err := b.stream(ctx, w, d, time.Duration(o.seconds)*time.Second)
				if err != nil {
					return fmt.Errorf("%s by %s: %w", d, w, err)
				}
				rates[d][w] = append(rates[d][w], rate)
			}
		}
	}
	enough := true
	fmt.Fprintf(out, "| one TCP stream | TUN, Mbit/s | SOCKS5, Mbit/s | SOCKS5 of TUN |\n| --- | --- | --- | --- |\n")
	for _, d := range directions {
		tun, socks := stats.Median(rates[d]["TUN"]), stats.Median(rates[d]["SOCKS5"])
		fmt.Fprintf(out, "| %s | %.0f | %.0f | %.2f |\n", d, tun/1e6, socks/1e6, socks/tun)
		enough = enough && socks >= tun/2
	}
	if err := b.sums(ctx, o.bytes, out); err != nil {
		return err
	}
	if o.verdict && !enough {
		return errors.New("less than half of the device's throughput")
	}
	return nil
}
