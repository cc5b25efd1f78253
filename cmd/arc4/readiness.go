//go:build !noprofiles

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"

	"github.com/mdlayher/sdnotify"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/background"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// readiness tells whoever started this program how it is, as services tell systemd (sd_notify(3)):
// systemd, for a unit of Type=notify, or `arc4 up`. The zero value, and nil, tell nobody.
type readiness struct {
	to  *sdnotify.Notifier
	log *slog.Logger

	mu    sync.Mutex
	ready bool // it was said
}

// newReadiness finds out whom to tell.
func newReadiness(ctx context.Context) *readiness {
	if os.Getenv(background.NotifySocket) == "" {
		return nil
	}
	r := &readiness{log: loggerFrom(ctx)}
	var err error
	if r.to, err = sdnotify.New(); err != nil {
		r.log.Warn("nobody hears when this is ready", "error", err)
		return nil
	}
	_ = os.Unsetenv(background.NotifySocket) // it is this process's business alone
	return r
}

// tell says something. Whoever does not hear it is no reason to end.
func (r *readiness) tell(fields ...string) {
	if err := r.to.Notify(fields...); err != nil && !errors.Is(err, os.ErrNotExist) {
		r.log.Debug("nobody hears how this is", "error", err)
	}
}

// statusLine is what people read of it.
func statusLine(format string, args ...any) string {
	return "STATUS=" + strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
}

// up says that packets pass, or that a server answers.
func (r *readiness) up(format string, args ...any) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = true
	r.tell(sdnotify.Ready, statusLine(format, args...))
}

// follow has a client tell what becomes of its attempts. One that dials on demand is ready when it
// waits for a packet.
func (r *readiness) follow(cfg *tunnel.ClientConfig, device func() string) {
	if r == nil {
		return
	}
	cfg.Retrying = r.retrying
	if wait := cfg.OnDemand; wait != nil {
		cfg.OnDemand = func(ctx context.Context) (netdev.Device, netip.Addr, error) {
			dev, local, err := wait(ctx)
			if err == nil {
				r.up("up: %s waits for a packet", device())
			}
			return dev, local, err
		}
	}
}

// retrying says why packets do not pass, and that they may later. After the first attempt that is
// all that a service has to wait for: systemd would hold the boot of a laptop up that is in no
// network, and end the process after TimeoutStartSec, with a kill switch.
func (r *readiness) retrying(reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fields := []string{statusLine("%s", reason)}
	if !r.ready {
		fields = append(fields, fmt.Sprintf("%s=%d", background.AttemptFailed, exit.CodeOfClass(tunnel.ClassOf(reason))))
	}
	r.tell(fields...)
	if !r.ready {
		r.ready = true
		r.tell(sdnotify.Ready)
	}
}

// stopping has undo run when the tunnel begins to end, and says so.
func (r *readiness) stopping(undo func()) func() {
	if r == nil {
		return undo
	}
	return func() {
		r.tell(sdnotify.Stopping, "STATUS=ending")
		undo()
	}
}

// reloading has again run, and says so.
func (r *readiness) reloading(again func()) func() {
	if r == nil {
		return again
	}
	return func() {
		r.tell(sdnotify.Reloading)
		again()
		r.tell(sdnotify.Ready)
	}
}
