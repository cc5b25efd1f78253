//go:build !linux

package serverroute

import (
	"context"
	"log/slog"
	"net"
	"net/netip"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

// Follower follows nothing on this system, where there are no tunnels with routes either.
type Follower struct{}

// Open gives one that dials as anybody would.
func Open(Options) (*Follower, error) { return new(Follower), nil }

// Sweep finds nothing.
func Sweep(*slog.Logger) error { return nil }

// Close does nothing.
func (*Follower) Close() error { return nil }

// Mark is 0: no socket has one.
func (*Follower) Mark() uint32 { return 0 }

// Changed never tells anything.
func (*Follower) Changed() <-chan struct{} { return nil }

// Carry does nothing.
func (*Follower) Carry(netip.Addr, func(int) error) (release func()) { return func() {} }

// Check knows of nothing that would end a call.
func (*Follower) Check(_, _ netip.Addr) error { return nil }

// Status is nil: nobody knows the path.
func (*Follower) Status() *status.Way { return nil }

// Dial opens a TCP connection.
func (*Follower) Dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp4", address)
}

// AskOutside does nothing: names are looked up as anybody would.
func (*Follower) AskOutside(func() []netip.Addr) {}
