//go:build !nodemo || !nospeedtunnel

package main

import (
	"context"
	"log/slog"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// whenNot is the error of a code that is not good; the process that ended with it has said why.
func whenNot(code, good int) error {
	if code == good {
		return nil
	}
	return exit.ErrReported
}

// quiet leaves out what the tunnel logs about its ordinary life, unless everything is asked for.
func quiet(log *slog.Logger) *slog.Logger {
	if log.Enabled(context.Background(), slog.LevelDebug) {
		return log
	}
	return slog.New(warningsOnly{log.Handler()})
}

type warningsOnly struct{ slog.Handler }

func (h warningsOnly) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}
func (h warningsOnly) WithAttrs(a []slog.Attr) slog.Handler {
	return warningsOnly{h.Handler.WithAttrs(a)}
}
func (h warningsOnly) WithGroup(name string) slog.Handler {
	return warningsOnly{h.Handler.WithGroup(name)}
}
