package capture

import (
	"context"
	"log/slog"
	"strings"
)

// Handler gives a handler of a log that does what h does, and has what is at least informational
// stand in the capture as comments, each on the next packet. The log holds no secrets.
func (c *Capture) Handler(h slog.Handler) slog.Handler {
	text := slog.NewTextHandler(commentWriter{c}, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{} // the packet has one
		}
		return a
	}})
	return &commentHandler{h, text}
}

type commentHandler struct{ log, comments slog.Handler }

func (h *commentHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.log.Enabled(ctx, l) || h.comments.Enabled(ctx, l)
}

func (h *commentHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.comments.Enabled(ctx, r.Level) {
		_ = h.comments.Handle(ctx, r) // never fails
	}
	if !h.log.Enabled(ctx, r.Level) {
		return nil
	}
	return h.log.Handle(ctx, r)
}

func (h *commentHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return &commentHandler{h.log.WithAttrs(a), h.comments.WithAttrs(a)}
}

func (h *commentHandler) WithGroup(name string) slog.Handler {
	return &commentHandler{h.log.WithGroup(name), h.comments.WithGroup(name)}
}

// commentWriter takes lines.
type commentWriter struct{ c *Capture }

func (w commentWriter) Write(line []byte) (int, error) {
	if !w.c.ended.Load() {
		text := strings.TrimSuffix(string(line), "\n")
		w.c.queue.add(0, flagComment, w.c.cfg.now(), maxComment, []byte(strings.ToValidUTF8(text, "?")), nil)
	}
	return len(line), nil
}
