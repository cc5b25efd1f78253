package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

const (
	minStatusInterval = 100 * time.Millisecond
	maxStatusInterval = time.Hour
)

const statusLong = `status asks the tunnels of this user that run on this machine, clients and servers, how they are: sessions and their
addresses, the backend, the five counters of the reorder window, those of MPPE, bytes and packets.

Window counters: Accepted (in order), Under Window (too late, or too far behind), Buffered (came early and waited),
Duplicated (came twice), Lost (never came in time).

The tunnels answer on unix sockets in /run/arc4 (as root), $XDG_RUNTIME_DIR/arc4 or a private directory in the
temporary one; only the user they run as and root may ask. --watch goes on, with a row a session in a table
that fits the terminal: rates each way, and the shares of packets that were lost or out of order since the last look; in
a pipe it writes a line a session and interval. --json writes an array with one object a tunnel, numbers exact; with --watch, one
such array a line. "arc4 help status-fields" says what each number means, and which are counters.

--check is for HEALTHCHECK, cron and monit: it judges by the answers to LCP echoes and by GRE acknowledgments, for two
seconds where there are none. A server passes as long as it answers, and so does a client that waits for a packet.

The command ends with code 1 when no tunnel is running (7 with --check), or stops running while watched.`

// statusOptions are the flags.
type statusOptions struct {
	json     bool
	check    bool
	watch    bool
	interval time.Duration
	socket   string
}

func newStatusCmd() *cobra.Command {
	var opts statusOptions
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the running tunnels: sessions, counters, rates",
		Long:  statusLong,
		Example: `  arc4 status
  arc4 status --check || logger "the tunnel is down"
  arc4 status --watch --interval 5s
  arc4 status --json | jq '.[].sessions[].window.lost'
  arc4 status --status-socket /run/arc4/serve.sock`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.validate(cmd.Flags().Changed("interval"), cmd.Flags().Changed("status-socket")); err != nil {
				return err
			}
			if opts.check {
				return opts.lookOver(cmd.Context(), cmd.OutOrStdout())
			}
			return opts.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&opts.json, "json", false, "JSON, with exact numbers")
	flags.BoolVar(&opts.check, "check", false, "end with code 0 while packets pass, else with 7 and a line that says why; nothing is changed")
	flags.BoolVar(&opts.watch, "watch", false, "go on until interrupted: a row a session, with rates, loss and disorder")
	flags.DurationVar(&opts.interval, "interval", time.Second, "with --watch: the time between two looks, 100ms to 1h")
	flags.StringVar(&opts.socket, "status-socket", "", "ask the tunnel behind this `SOCKET` alone; left out, all tunnels of this user")
	if err := cmd.RegisterFlagCompletionFunc("status-socket", completeSockets); err != nil {
		panic(err)
	}
	return cmd
}

func (o statusOptions) validate(intervalGiven, socketGiven bool) error {
	switch {
	case o.interval < minStatusInterval || o.interval > maxStatusInterval:
		return exit.Usagef("--interval %v is out of range: give %v to %v", o.interval, minStatusInterval, maxStatusInterval)
	case intervalGiven && !o.watch:
		return exit.Usagef("--interval %v has no effect without --watch: add --watch", o.interval)
	case o.check && o.json, o.check && o.watch:
		return exit.Usagef("--check writes a line and ends: leave out --json and --watch")
	case socketGiven && o.socket == "":
		return exit.Usagef("--status-socket is empty: name a socket, or leave the flag out for all of them")
	}
	return nil
}

func (o statusOptions) run(ctx context.Context, out io.Writer) error {
	screen := report.StatusScreen{Out: out, Size: terminalSize(out), JSON: o.json, Watch: o.watch}
	for {
		results, err := o.ask(ctx)
		if ctx.Err() != nil {
			return nil // interrupted: the watching is over
		}
		if err != nil && o.json && !o.watch && errors.Is(err, status.ErrNoTunnel) {
			_, _ = io.WriteString(out, "[]\n") // the error that follows matters more than this one
		}
		if err != nil {
			return err
		}
		if err := screen.Show(results, time.Now()); err != nil {
			return fmt.Errorf("cannot write the status: %w", err)
		}
		if err := firstError(results); err != nil && !o.watch {
			return err
		}
		if !o.watch {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(o.interval):
		}
	}
}

// terminalSize gives the size of a terminal each time it is asked, for that may change; nil: out is
// none.
func terminalSize(out io.Writer) func() (width, height int) {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func() (width, height int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil || width <= 0 || height <= 0 {
			return 80, 24
		}
		return width, height
	}
}

// ask gets every tunnel's answer, or that of the one socket.
func (o statusOptions) ask(ctx context.Context) ([]status.Result, error) {
	if o.socket == "" {
		all, err := status.FetchAll(ctx, status.DefaultDir())
		if killed := killedRuns(); errors.Is(err, status.ErrNoTunnel) && len(killed) > 0 {
			err = fmt.Errorf(`%w; %s was killed: "arc4 down %s" takes away what it left, such as a kill switch`, err, killed[0], killed[0])
		}
		return all, err
	}
	snapshot, err := status.Fetch(ctx, o.socket)
	if err != nil {
		return nil, err
	}
	return []status.Result{{Path: o.socket, Snapshot: snapshot}}, nil
}

// firstError is what kept one of several tunnels from answering.
func firstError(results []status.Result) error {
	for _, r := range results {
		if r.Err != nil {
			return r.Err
		}
	}
	return nil
}
