//go:build !nodemo || !nospeedtunnel

package main

import (
	"context"
	"log/slog"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/lab"
)

// laboratory says where the hosts of demo and of speed tunnel are to live: in the kernel, where
// that is possible, or in TCP/IP stacks of this process. Where done is true, another process has
// done what the command was asked for, and the command ends with err.
func laboratory(ctx context.Context, userspace, small bool) (cfg lab.Config, done bool, err error) {
	cfg = lab.Config{Mode: lab.Userspace, Why: "--userspace", Small: small, Log: quiet(loggerFrom(ctx))}
	if userspace {
		return cfg, false, nil
	}
	done, code, why := lab.Enter(ctx)
	if done && code != exit.OK {
		// The process that ended with the code has said why.
		err = exit.With(code, exit.ErrReported)
	}
	if cfg.Why = why; why == "" {
		cfg.Mode = lab.Auto
	}
	return cfg, done, err
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
