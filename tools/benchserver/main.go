// Command benchserver measures a server with many sessions, and prints a table: how fast they are
// set up, what memory and processor time one takes, what goes through all of them, and whether each
// gets its share; then what the server's way in makes of one core and of two.
//
//	make bench-server
//	go run ./tools/benchserver -sessions 1,100 -time 2s -receive=false
//
// Each row is measured in a process of its own, so that none weighs what another has left behind.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/bench/scale"
)

// options are the flags.
type options struct {
	sessions string
	time     time.Duration
	bytes    int
	receive  bool
	packets  int
	runs     int
	json     bool
	row      string // of a process that measures one row: the configuration
}

func main() {
	var o options
	flag.StringVar(&o.sessions, "sessions", "1,10,100,1000,5000", "a row for each of these `numbers` of sessions")
	flag.DurationVar(&o.time, "time", 4*time.Second, "how long packets go through the sessions of a row")
	flag.IntVar(&o.bytes, "bytes", 1400, "size of a packet in the tunnel")
	flag.BoolVar(&o.receive, "receive", true, "measure the server's way in alone, by readers and cores; as root from raw sockets too")
	flag.IntVar(&o.packets, "packets", 300_000, "recorded for that; they take memory")
	flag.IntVar(&o.runs, "runs", 3, "how many `times` each row is measured; the median is shown")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.StringVar(&o.row, "row", "", "for this program's own use")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "benchserver:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context, stdout, stderr io.Writer) error {
	if o.row != "" {
		return measureRow(ctx, o.row, stdout)
	}
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if o.runs < 1 {
		return fmt.Errorf("-runs %d: give 1 or more", o.runs)
	}
	jobs, err := o.jobs()
	if err != nil {
		return err
	}
	backend, err := arc4.Lookup("")
	if err != nil {
		return err
	}
	report := scale.Report{Backend: backend.Name()}
	for _, j := range jobs {
		if err := o.measure(ctx, j, &report, stderr); err != nil {
			return err
		}
	}
	if o.json {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(report)
	}
	return report.WriteTable(stdout)
}

// job is one row, as it is handed to the process that measures it.
type job struct {
	Sessions int
	Time     time.Duration
	Bytes    int
	Readers  int // of the way in alone; 0: everything
	Cores    int // that the process may use; 0: all
	Packets  int
	Sockets  bool
}

func (j job) String() string {
	if j.Readers > 0 {
		return fmt.Sprintf("way in, readers %d, cores %d, sockets %v", j.Readers, j.Cores, j.Sockets)
	}
	return fmt.Sprintf("sessions %d", j.Sessions)
}

// receiveSessions share the way in when that is measured alone.
const receiveSessions = 64

// jobs lists what the flags ask for.
func (o options) jobs() (jobs []job, err error) {
	for _, word := range strings.Split(o.sessions, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 || n > scale.MaxSessions {
			return nil, fmt.Errorf("-sessions %q: want numbers from 1 to %d, such as 1,10,100", word, scale.MaxSessions)
		}
		jobs = append(jobs, job{Sessions: n, Time: o.time, Bytes: o.bytes})
	}
	if o.receive {
		jobs = append(jobs, o.receiveJobs(scale.CanUseSockets() == nil)...)
	}
	return jobs, nil
}

// receiveJobs measure the way in with as many readers as cores, and with one; and with more readers
// than cores, which is what a reader more costs.
func (o options) receiveJobs(sockets bool) (jobs []job) {
	for _, from := range []bool{false, true} {
		if from && !sockets {
			break
		}
		for _, n := range [][2]int{{1, 1}, {1, 2}, {2, 2}, {4, 2}, {4, 4}} {
			if n[1] <= runtime.NumCPU() {
				jobs = append(jobs, job{Sessions: receiveSessions, Bytes: o.bytes, Readers: n[0], Cores: n[1], Packets: o.packets, Sockets: from})
			}
		}
	}
	return jobs
}

// measure has a row measured, each time in a new process, and adds the median to the report.
func (o options) measure(ctx context.Context, j job, report *scale.Report, stderr io.Writer) error {
	var rows []scale.Row
	var receive []scale.ReceiveRow
	for i := range o.runs {
		fmt.Fprintf(stderr, "measuring %v, %d of %d\n", j, i+1, o.runs)
		text, err := measureApart(ctx, j, stderr)
		if err != nil {
			return fmt.Errorf("%v: %w", j, err)
		}
		if j.Readers > 0 {
			receive = append(receive, scale.ReceiveRow{})
			err = json.Unmarshal(text, &receive[i])
		} else {
			rows = append(rows, scale.Row{})
			err = json.Unmarshal(text, &rows[i])
		}
		if err != nil {
			return fmt.Errorf("%v: %w", j, err)
		}
	}
	if j.Readers > 0 {
		slices.SortFunc(receive, func(a, b scale.ReceiveRow) int { return int(a.Duration - b.Duration) })
		report.Receive = append(report.Receive, receive[len(receive)/2])
		return nil
	}
	slices.SortFunc(rows, func(a, b scale.Row) int { return int(a.BitsPerSecond() - b.BitsPerSecond()) })
	report.Rows = append(report.Rows, rows[len(rows)/2])
	return nil
}

// measureApart runs this program for one row.
func measureApart(ctx context.Context, j job, stderr io.Writer) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, self, "-row", string(text))
	cmd.Stdout, cmd.Stderr = &out, stderr
	err = errors.Join(runOn(j.Cores, cmd), ctx.Err())
	return out.Bytes(), err
}

// measureRow is what that process does.
func measureRow(ctx context.Context, text string, stdout io.Writer) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return fmt.Errorf("-row: %w", err)
	}
	cfg := scale.Config{Sessions: j.Sessions, Duration: j.Time, Bytes: j.Bytes}
	var row any
	var err error
	if j.Readers > 0 {
		row, err = scale.MeasureReceive(ctx, scale.ReceiveConfig{Config: cfg, Readers: j.Readers, Packets: j.Packets, Sockets: j.Sockets})
	} else {
		row, err = scale.Measure(ctx, cfg)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(row)
}
