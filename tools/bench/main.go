// Command bench compares this project with OpenSSL and with Go's crypto/rc4 on this machine: a
// table of what is to be reached and what is, on standard output and as Markdown, and a chart.
//
//	make bench                                               what doc/MEASURED.md shows
//	go run -tags libcrypto ./tools/bench -runs 1 -dir /tmp  a short look
//
// Everything is measured in turns (arc4 speed --peers), several times over, and the table holds
// medians. A row that does not reach what it is to reach says so; the exit code is 0 all the same,
// for machines differ.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
)

// options are the flags.
type options struct {
	runs int
	time time.Duration
	dir  string
}

// The runs and the time of each subject in a run make about two minutes and a half in all.
const (
	usualRuns = 3
	usualTime = time.Second
	// Where the runs of a row disagree by more, it is measured again, a few times.
	tolerance = 0.10
	extraRuns = 2
)

func main() {
	var o options
	flag.IntVar(&o.runs, "runs", usualRuns, "how many `times` everything is measured")
	flag.DurationVar(&o.time, "time", usualTime, "how long each is measured in every run, in all its turns")
	flag.StringVar(&o.dir, "dir", filepath.Join("doc", "bench"), "where "+tableFile+" and "+chartFile+" are written")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context, stdout, stderr io.Writer) error {
	switch {
	case !libcrypto.Built:
		return errors.New("this build has no libcrypto; use make bench, or go run -tags libcrypto ./tools/bench (with cgo, gcc and libssl-dev)")
	case o.runs < 1:
		return fmt.Errorf("cannot measure %d times: give 1 or more", o.runs)
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	b, err := readBackends()
	if err != nil {
		return err
	}
	m := newMeasurer(b, o, newProgress(stderr))
	measured, err := m.all(ctx)
	if err != nil {
		return err
	}
	table := tabulate(rows(b), measured)
	if err := writeText(stdout, table, measured.machine); err != nil {
		return err
	}
	return o.save(table, measured)
}

// The names of the files, in the directory of -dir.
const (
	tableFile = "table.md"
	chartFile = "speed.svg"
)

// save writes the files; nothing is written if one of them cannot be made.
func (o options) save(table []line, measured *measured) error {
	var text, picture bytes.Buffer
	if err := writeMarkdown(&text, table, measured.machine); err != nil {
		return err
	}
	if err := drawChart(&picture, measured); err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.dir, tableFile), text.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.dir, chartFile), picture.Bytes(), 0o644)
}
