package localend

import (
	"context"
	"net/netip"
	"slices"

	"github.com/arc4tun/arc4tun/tunnel"
)

// NameService has this machine ask a tunnel's name servers. A Client calls it from one goroutine at
// a time, but for Outside.
type NameService interface {
	// Set is called whenever the tunnel comes up, when its device is up and its routes are there.
	// What it does stays while the tunnel is dialled again. An error ends the call.
	Set(ctx context.Context, device string, n tunnel.Network) error
	// Restore puts back what Set has changed. It is called before the routes go, and also if
	// nothing is set.
	Restore() error
	// Asked are the servers that this machine asks since Set, nil if it asks none of its.
	Asked() []netip.Addr
	// Outside are those that it would ask without: they are asked, around the tunnel, where the
	// tunnel's server is. nil: those of the system.
	Outside() []netip.Addr
}

// names is a NameService that may be missing.
type names struct{ service NameService }

func newNames(s NameService) *names { return &names{s} }

func (s *names) set(ctx context.Context, device string, n tunnel.Network) error {
	if s.service == nil {
		return nil
	}
	return s.service.Set(ctx, device, n)
}

func (s *names) restore() error {
	if s.service == nil {
		return nil
	}
	return s.service.Restore()
}

// asked are the servers that are asked on behalf of the tunnel, and not also without it.
func (s *names) asked() []netip.Addr {
	if s.service == nil {
		return nil
	}
	outside := s.service.Outside()
	return slices.DeleteFunc(s.service.Asked(), func(a netip.Addr) bool { return slices.Contains(outside, a) })
}

func (s *names) outside() []netip.Addr {
	if s.service == nil {
		return nil
	}
	return s.service.Outside()
}
