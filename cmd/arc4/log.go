package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"

	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
)

// logOptions are the persistent logging flags.
type logOptions struct {
	level  string
	format string
}

var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug,
	"info":  slog.LevelInfo,
	"warn":  slog.LevelWarn,
	"error": slog.LevelError,
}

// addFlags defines the logging flags on flags.
func (o *logOptions) addFlags(flags *pflag.FlagSet) {
	o.level, o.format = "info", "text"
	flags.Var(cmdline.NewChoice(&o.level, "debug", "info", "warn", "error"), "log-level", "least severe messages to log: `LEVEL` is debug, info, warn or error")
	flags.Var(cmdline.NewChoice(&o.format, "text", "json"), "log-format", "how to log to standard error: `FORM` is text or json")
}

// logger is the logger that the flags ask for; it writes to w.
func (o *logOptions) logger(w *logWriter) *slog.Logger {
	w.says(func(lines int) []byte {
		var b bytes.Buffer
		slog.New(o.handler(&b)).Warn("lines of the log are missing here: nobody read it for a while", "lines", lines)
		return b.Bytes()
	})
	return slog.New(o.handler(w))
}

func (o *logOptions) handler(w io.Writer) slog.Handler {
	opts := &slog.HandlerOptions{Level: logLevels[o.level]}
	if o.format == "json" {
		return slog.NewJSONHandler(w, opts)
	}
	return slog.NewTextHandler(w, opts)
}

type loggerKey struct{}

func withLogger(ctx context.Context, l *slog.Logger) context.Context {
	return context.WithValue(ctx, loggerKey{}, l)
}

// loggerFrom is the logger that the logging flags made, or slog's default outside of a command.
func loggerFrom(ctx context.Context) *slog.Logger {
	if l, ok := ctx.Value(loggerKey{}).(*slog.Logger); ok {
		return l
	}
	return slog.Default()
}
