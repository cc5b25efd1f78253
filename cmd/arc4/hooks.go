package main

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/internal/pppdhook"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// hooksAtEnd is how long the program waits in the end for hooks that still run. What started it may
// not wait for much longer: netifd kills after five seconds.
const hooksAtEnd = 3 * time.Second

// clientHooks runs the hooks of connect; nil: there are none.
type clientHooks struct {
	ctx    context.Context // of the command
	runner *pppdhook.Runner
	events *pppdhook.Events
	total  func() status.Traffic

	mu    sync.Mutex
	since time.Time      // when the tunnel came up
	then  status.Traffic // what had passed by then
}

func newClientHooks(ctx context.Context, p pppdhook.Programs, log *slog.Logger) *clientHooks {
	if p.None() {
		return nil
	}
	h := &clientHooks{ctx: ctx, runner: pppdhook.New(p, pppdhook.Limits{}, log)}
	h.events = h.runner.Link()
	return h
}

// beforeUp is for localend.ClientConfig.
func (h *clientHooks) beforeUp() func(string, tunnel.Network) {
	if h == nil {
		return nil
	}
	return func(device string, n tunnel.Network) { h.events.PreUp(h.ctx, clientLink(device, n)) }
}

// follow gives a tunnel.ClientConfig.Changed that tells the hooks and then next. total is all that
// has passed through the client.
func (h *clientHooks) follow(next func(bool, tunnel.Network), end clientEnd, total func() status.Traffic) func(bool, tunnel.Network) {
	if h == nil {
		return next
	}
	h.total = total
	return func(up bool, n tunnel.Network) {
		if up {
			h.events.Up(clientLink(end.Device(), end.Network()), h.traffic())
			h.began()
		} else {
			h.events.Down(h.traffic())
		}
		next(up, n)
	}
}

func clientLink(device string, n tunnel.Network) pppdhook.Link {
	return pppdhook.Link{
		Interface: device, Peer: n.Server, Local: n.Local, Remote: n.Remote, LocalIPv6: n.LocalIPv6, RemoteIPv6: n.RemoteIPv6, DNS: n.DNS,
	}
}

// began notes from when on traffic is counted.
func (h *clientHooks) began() {
	total := h.total()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since, h.then = time.Now(), total
}

// traffic is what has passed since.
func (h *clientHooks) traffic() pppdhook.Traffic {
	total := h.total()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.since.IsZero() {
		return pppdhook.Traffic{}
	}
	return pppdhook.Traffic{Connected: time.Since(h.since), Sent: total.BytesOut - h.then.BytesOut, Received: total.BytesIn - h.then.BytesIn}
}

// close waits for the hooks of the tunnel's end.
func (h *clientHooks) close() {
	if h != nil {
		h.runner.Close(hooksAtEnd)
	}
}

// serverHooks runs the hooks of serve; nil: there are none.
type serverHooks struct {
	ctx    context.Context
	runner *pppdhook.Runner
	device string
}

func newServerHooks(ctx context.Context, p pppdhook.Programs, log *slog.Logger) *serverHooks {
	if p.None() {
		return nil
	}
	// As many at once as accel-ppp allows: clients may all come back together.
	return &serverHooks{ctx: ctx, runner: pppdhook.New(p, pppdhook.Limits{AtOnce: 2 * runtime.NumCPU()}, log)}
}

// watch is for tunnel.ServerConfig.
func (h *serverHooks) watch(device string) func() tunnel.SessionWatcher {
	if h == nil {
		return nil
	}
	h.device = device
	return func() tunnel.SessionWatcher { return &sessionHooks{server: h, events: h.runner.Link()} }
}

func (h *serverHooks) close() {
	if h != nil {
		h.runner.Close(hooksAtEnd)
	}
}

// sessionHooks tells the hooks of one session.
type sessionHooks struct {
	server *serverHooks
	events *pppdhook.Events
	since  time.Time // when it came up; the session's goroutine's own
}

func (h *sessionHooks) link(s tunnel.ServerSession) pppdhook.Link {
	return pppdhook.Link{
		Interface: h.server.device, Peer: s.Peer, Local: s.Local, Remote: s.Remote, LocalIPv6: s.LocalIPv6, RemoteIPv6: s.RemoteIPv6, PeerName: s.User,
	}
}

func (h *sessionHooks) Preparing(s tunnel.ServerSession) {
	h.events.PreUp(h.server.ctx, h.link(s))
}

func (h *sessionHooks) Up(s tunnel.ServerSession) {
	if h.since.IsZero() {
		h.since = time.Now()
	}
	h.events.Up(h.link(s), pppdhook.Traffic{Connected: time.Since(h.since)})
}

func (h *sessionHooks) Down(t status.Traffic) {
	h.events.Down(pppdhook.Traffic{Connected: time.Since(h.since), Sent: t.BytesOut, Received: t.BytesIn})
}
