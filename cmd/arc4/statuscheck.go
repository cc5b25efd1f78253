package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// lookOver reports whether packets pass through the tunnels, a line each, and changes nothing.
func (o statusOptions) lookOver(ctx context.Context, out io.Writer) error {
	results, err := o.ask(ctx)
	if err != nil {
		return downUnless(err)
	}
	looks := judge(results, nil)
	for _, l := range looks {
		if l.Doubtful {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(report.HealthPause):
			}
			again, err := o.ask(ctx)
			if err != nil {
				return downUnless(err)
			}
			looks = judge(again, results)
			break
		}
	}
	var down []string
	for _, l := range looks {
		if !l.OK {
			down = append(down, l.name+": "+l.Line)
			continue
		}
		if _, err := fmt.Fprintf(out, "%s: %s\n", l.name, l.Line); err != nil {
			return fmt.Errorf("cannot write the status: %w", err)
		}
	}
	if len(down) > 0 {
		return exit.With(exit.Down, errors.New(strings.Join(down, "; ")))
	}
	return nil
}

// downUnless gives an error that says that there is no tunnel its exit code.
func downUnless(err error) error {
	if errors.Is(err, status.ErrNoTunnel) {
		return exit.With(exit.Down, err)
	}
	return err
}

// look is the judgement of one tunnel.
type look struct {
	report.Health
	name string
}

// judge looks at every tunnel; before is the look before, or nil.
func judge(results, before []status.Result) []look {
	var looks []look
	for _, r := range results {
		l := look{name: strings.TrimSuffix(filepath.Base(r.Path), ".sock")}
		if r.Err != nil {
			l.Line = r.Err.Error()
		} else {
			l.Health = report.HealthOf(r.Snapshot, snapshotOf(before, r.Path))
		}
		looks = append(looks, l)
	}
	return looks
}

// snapshotOf is that of a socket, or nil.
func snapshotOf(results []status.Result, path string) *status.Snapshot {
	for i := range results {
		if results[i].Path == path && results[i].Err == nil {
			return &results[i].Snapshot
		}
	}
	return nil
}
