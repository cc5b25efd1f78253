package main

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// traceFarewell bounds how long the end of a tunnel waits for the last lines to be written.
const traceFarewell = time.Second

// startTrace writes a tunnel's trace to standard error, beside the log, until the function it
// returns is called: plain lines, or, where the log is JSON, records of it.
func startTrace(cmd *cobra.Command, t *trace.Trace) (stop func()) {
	out := logOutputFrom(cmd.Context(), cmd.ErrOrStderr())
	write := func(l trace.Line) { writeTrace(out, l) }
	if f := cmd.Flag("log-format"); f != nil && f.Value.String() == "json" {
		handler := loggerFrom(cmd.Context()).Handler()
		write = func(l trace.Line) { logTrace(handler, l) }
	}
	tap := t.Open(netip.Addr{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := tap.Next(context.Background()); lines != nil; lines = tap.Next(context.Background()) {
			for _, l := range lines {
				write(l)
			}
		}
	}()
	return func() {
		tap.Close()
		select {
		case <-ended:
		case <-time.After(traceFarewell):
		}
	}
}

// writeTrace writes a line. One that cannot be written is lost, as one of the log is.
func writeTrace(out io.Writer, l trace.Line) {
	l.Time = l.Time.Local()
	_, _ = io.WriteString(out, l.String()+"\n")
}

// logTrace writes a line as a record of the log, whatever its level.
func logTrace(handler slog.Handler, l trace.Line) {
	r := slog.NewRecord(l.Time, slog.LevelInfo, "trace", 0)
	if l.Peer.IsValid() {
		r.AddAttrs(slog.String("peer", l.Peer.String()))
	}
	if l.Session != "" {
		r.AddAttrs(slog.String("session", l.Session))
	}
	r.AddAttrs(slog.String("text", l.Text))
	_ = handler.Handle(context.Background(), r)
}
