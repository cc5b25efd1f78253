//go:build !nonm

package main

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/internal/nmplugin"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/localend"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/status"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// nmTunnel is a client's tunnel whose device NetworkManager gives addresses and routes.
type nmTunnel struct {
	flags      *connectFlags
	cfg        tunnel.ClientConfig
	plan       memory.Plan
	name       string // of the connection
	persistent bool
	log        *slog.Logger
	end        *localend.Client // of Run
}

// nmSocket is what the status socket of such a tunnel is called.
const nmSocket = "networkmanager"

// Run is that of nmplugin.Tunnel.
func (t *nmTunnel) Run(ctx context.Context, up func(nmplugin.Network)) error {
	if err := mayTunnel(); err != nil {
		return &nmplugin.FailedError{Failure: nmplugin.ConnectFailed, Err: err}
	}
	t.end = localend.NewClient(localend.ClientConfig{Device: t.flags.device, Log: t.log, Suspended: timeSuspended, DeviceOnly: true})
	end, cfg := t.end, t.cfg
	end.Attach(&cfg)
	var refused atomic.Bool // the addresses in the tunnel
	bring := cfg.Bring
	cfg.Bring = func(ctx context.Context, n tunnel.Network) (netdev.Device, error) {
		dev, err := bring(ctx, n)
		refused.Store(tunnel.ClassOf(err) == tunnel.ClassPolicy)
		return dev, err
	}
	cfg.Changed = func(isUp bool, _ tunnel.Network) {
		if !isUp {
			return // there may be no other
		}
		n := t.network(end)
		t.log.Info("tunnel is up", "connection", t.name, "device", n.Device, "local", n.Local, "remote", n.Remote, "mtu", n.MTU, "dns", n.DNS)
		up(n)
	}
	cfg.Trace = trace.New(nil)
	client, err := tunnel.NewClient(cfg)
	if err != nil {
		return &nmplugin.FailedError{Failure: nmplugin.ConnectFailed, Err: err}
	}
	stop, err := serveStatus(ctx, "", nmSocket, cfg.Trace, func() status.Snapshot {
		s := t.flags.snapshot(client, end, t.plan)
		s.Process.Profile = t.name
		return s
	})
	if err != nil {
		return &nmplugin.FailedError{Failure: nmplugin.ConnectFailed, Err: err}
	}
	defer stop()
	defer closeAtPanic(end)
	err = client.Run(ctx)
	end.Withdraw()
	return nmFailure(err, refused.Load())
}

// nmTakesBack is how long NetworkManager is given to take its own back from the device.
const nmTakesBack = 2 * time.Second

// Close is that of nmplugin.Tunnel.
func (t *nmTunnel) Close() {
	if t.end == nil {
		return
	}
	for began := time.Now(); time.Since(began) < nmTakesBack && hasAddresses(t.end.Device()); {
		time.Sleep(10 * time.Millisecond)
	}
	t.end.Close()
}

// hasAddresses reports whether a device is there and has some.
func hasAddresses(device string) bool {
	link, err := net.InterfaceByName(device)
	if err != nil {
		return false
	}
	addresses, err := link.Addrs()
	return err == nil && len(addresses) > 0
}

// network is what NetworkManager is told. It is for NetworkManager to say which name servers are
// asked through which link; what can be none is left out.
func (t *nmTunnel) network(end *localend.Client) nmplugin.Network {
	n := end.Network()
	servers, passed := usableServers(n.DNS, func(netip.Addr) bool { return true })
	for _, p := range passed {
		t.log.Warn("a name server that the server offers is not used", "what", p)
	}
	return nmplugin.Network{
		Device: end.Device(), Server: n.Server, Local: n.Local, Remote: n.Remote, DNS: servers, MTU: n.MTU, Persists: t.persistent,
	}
}

// nmFailure is an end as NetworkManager knows it.
func nmFailure(err error, addresses bool) error {
	if err == nil {
		return nil
	}
	failed := &nmplugin.FailedError{Failure: nmplugin.ConnectFailed, Err: err}
	switch {
	case addresses:
		failed.Failure = nmplugin.BadIPConfig
	case tunnel.ClassOf(err) == tunnel.ClassAuth:
		failed.Failure, failed.Again = nmplugin.LoginFailed, tunnel.WrongPassword(err)
	}
	return failed
}
