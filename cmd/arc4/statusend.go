package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/status"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// serveStatus answers `arc4 status` until the function it returns is called. path is the flag's
// value: empty for a socket of the default directory, "none" for no socket. tr is what `arc4 trace`
// shows.
func serveStatus(ctx context.Context, path, name string, tr *trace.Trace, snapshot func() status.Snapshot) (stop func(), err error) {
	if path == "none" {
		return func() {}, nil
	}
	fixed := path != ""
	if !fixed {
		path = status.DefaultPath(name)
	}
	server, err := status.Listen(path)
	if !fixed && errors.Is(err, status.ErrInUse) {
		// Another tunnel of this user has the plain name.
		server, err = status.Listen(status.DefaultPath(fmt.Sprintf("%s-%d", name, os.Getpid())))
	}
	if err != nil && (!fixed || diskError(err)) {
		// The tunnel matters more than its status.
		loggerFrom(ctx).Warn("no status socket; name another with --status-socket", "error", err)
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	server.Tracing(tr)
	started := time.Now()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(ctx, func() status.Snapshot {
			s := snapshot()
			s.Process.Version, s.Process.PID, s.Process.Started = versionString(), os.Getpid(), started
			return s
		}); err != nil {
			loggerFrom(ctx).Warn("status socket", "error", err)
		}
	}()
	return func() {
		cancel()
		<-ended
	}, nil
}

// diskError reports whether a disk, and not the path, is why there is no socket: it is full,
// read-only or broken.
func diskError(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
