package lab

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// Host is one of a lab's two hosts, for who sets up a server and a client of his own
// between them, each with a life of its own, instead of those of StartTunnel. Its
// methods may be called from any goroutine while the lab is open.
type Host struct {
	net  network
	side side
}

// Server is the host of the server.
func (l *Lab) Server() Host { return Host{l.net, server} }

// Client is the host of the client.
func (l *Lab) Client() Host { return Host{l.net, client} }

// Address is the host's on a path. That in the tunnel is its own once a device has
// it.
func (h Host) Address(p Path) netip.Addr { return h.side.address(p) }

// Listen listens for TCP at a port, or another where that cannot be had: the
// listener's address tells.
func (h Host) Listen(p Path, port uint16) (net.Listener, error) {
	return h.net.listen(h.side, p, port, TCP{})
}

// Dial opens a TCP connection.
func (h Host) Dial(ctx context.Context, p Path, to string) (net.Conn, error) {
	return h.net.dial(ctx, h.side, p, to, TCP{})
}

// ListenPackets opens UDP at any free port.
func (h Host) ListenPackets(p Path) (net.PacketConn, error) { return h.net.packets(h.side, p) }

// ListenGRE opens the host's GRE socket. A host has one at a time.
func (h Host) ListenGRE() (gre.Conn, error) {
	return h.net.listenGRE(h.side, h.side.other().outer())
}

// Device makes the host's end of a tunnel, with the host's addresses in it. Closing
// it takes back all of that. A host has one at a time.
func (h Host) Device(ctx context.Context, mtu int) (netdev.Device, error) {
	n := tunnel.Network{Local: h.side.address(Tunnel), Remote: h.side.other().address(Tunnel), MTU: mtu}
	return h.net.device(ctx, h.side, n)
}

// GREAccount is what became of the GRE packets in one direction: the link's account
// of them, and what came out of the link and was heard by nobody.
type GREAccount struct {
	link.Stats
	// Unheard came while no socket was open, or waited in one that was closed.
	// A kernel does not tell: known in userspace mode only.
	Unheard      uint64
	UnheardKnown bool
	// Unsent is how many packets of any kind the host's kernel dropped because its end
	// of the wire was full. There are none in userspace mode.
	Unsent uint64
}

// GRE gives the accounts of the GRE packets. In kernel mode they share the link with
// all others.
func (l *Lab) GRE() (download, upload GREAccount) {
	return l.net.greAccount(server), l.net.greAccount(client)
}

// ownDevice is a device that, when it is closed, takes along what was made for it.
type ownDevice struct {
	netdev.Device
	closed func() error
	once   sync.Once
	err    error
}

func (d *ownDevice) Close() error {
	d.once.Do(func() {
		d.err = d.Device.Close()
		if err := d.closed(); d.err == nil {
			d.err = err
		}
	})
	return d.err
}
