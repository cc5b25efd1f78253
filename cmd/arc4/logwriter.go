package main

import (
	"context"
	"io"
	"sync"
	"time"
)

const (
	// logPatience is how long a line of the log waits to be written before the program goes on
	// without it.
	logPatience = 100 * time.Millisecond
	// logRoom is how many bytes of lines wait for a writer that is stuck. What comes then is
	// dropped, and counted.
	logRoom = 256 << 10
)

// logWriter keeps a program from waiting for whoever reads its log: a pipe that nobody empties, or
// a terminal that is stopped with control-S, would hold up a tunnel, and the end of it. While all
// is well a line is written when Write returns. Errors are nobody's to hear: the lines are lost.
type logWriter struct {
	out  io.Writer
	lost func(lines int) []byte // what says that lines are missing

	mu      sync.Mutex
	queue   []logLine
	size    int  // bytes in queue
	writing bool // a goroutine empties the queue
	stuck   bool // a line has waited for too long
	dropped int
}

type logLine struct {
	text    []byte
	written chan struct{}
}

func newLogWriter(out io.Writer) *logWriter { return &logWriter{out: out} }

// says has lost make the line that stands for those that are missing.
func (w *logWriter) says(lost func(lines int) []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = lost
}

// Write never fails.
func (w *logWriter) Write(p []byte) (int, error) {
	written, wait := w.put(p)
	if !wait {
		return len(p), nil
	}
	timer := time.NewTimer(logPatience)
	defer timer.Stop()
	select {
	case <-written:
	case <-timer.C:
		w.mu.Lock()
		w.stuck = w.writing
		w.mu.Unlock()
	}
	return len(p), nil
}

// put queues a line, if there is room, and reports whether to wait for it.
func (w *logWriter) put(p []byte) (written chan struct{}, wait bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.size+len(p) > logRoom {
		w.dropped++
		return nil, false
	}
	line := logLine{append([]byte(nil), p...), make(chan struct{})}
	w.queue = append(w.queue, line)
	w.size += len(p)
	if !w.writing {
		w.writing = true
		go w.empty()
	}
	return line.written, !w.stuck
}

// empty writes until nothing waits.
func (w *logWriter) empty() {
	for {
		line, ok := w.next()
		if !ok {
			return
		}
		_, _ = w.out.Write(line.text)
		close(line.written)
	}
}

// next takes a line from the queue, or the remark that some are missing when it is empty.
func (w *logWriter) next() (logLine, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(w.queue) > 0:
		line := w.queue[0]
		w.queue = w.queue[1:]
		w.size -= len(line.text)
		return line, true
	case w.dropped > 0 && w.lost != nil:
		line := logLine{w.lost(w.dropped), make(chan struct{})}
		w.dropped = 0
		return line, true
	}
	w.queue, w.writing, w.stuck = nil, false, false
	return logLine{}, false
}

type logOutputKey struct{}

// withLogOutput has the commands under ctx log to w.
func withLogOutput(ctx context.Context, w *logWriter) context.Context {
	return context.WithValue(ctx, logOutputKey{}, w)
}

// logOutputFrom is where to log to, or else.
func logOutputFrom(ctx context.Context, other io.Writer) *logWriter {
	if w, ok := ctx.Value(logOutputKey{}).(*logWriter); ok {
		return w
	}
	return newLogWriter(other)
}
