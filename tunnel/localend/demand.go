package localend

import (
	"context"
	"net/netip"

	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// DemandAddress is what a device has before the first call where none is asked for: the IPv4 dummy
// address, which is no network's (RFC 7600 section 7, RFC 6890).
var DemandAddress = netip.AddrFrom4([4]byte{192, 0, 0, 8})

// demandAddress6 is its link-local address, where there are routes of IPv6.
var demandAddress6 = netip.MustParseAddr("fe80::8")

// demand is what a device needs before there is a call.
type demand struct {
	local netip.Addr
	mtu   int
}

func newDemand(local netip.Addr) *demand {
	if !local.IsValid() {
		local = DemandAddress
	}
	return &demand{local: local}
}

// prepare makes the device and its routes without a call, so that packets come to it; what a call
// has left there stays, with its addresses.
func (l *Client) prepare(ctx context.Context) (netdev.Device, netip.Addr, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leaves {
		return nil, netip.Addr{}, &tunnel.Error{Class: tunnel.ClassAdmin, Text: "stopped"}
	}
	l.checkDevice()
	if l.setup != nil {
		return l.dev, l.now.Local, nil
	}
	if err := l.create(l.demand.mtu); err != nil {
		return nil, netip.Addr{}, err
	}
	n := tunnel.Network{Local: l.demand.local, MTU: l.demand.mtu}
	for _, r := range l.base.Routes {
		if r.Addr().Is6() {
			n.LocalIPv6 = demandAddress6
		}
	}
	setup, err := netdev.NewSetup(l.settings(n))
	if err != nil {
		return nil, netip.Addr{}, localError(err)
	}
	if err := setup.Apply(ctx); err != nil {
		return nil, netip.Addr{}, localError(err)
	}
	l.setup, l.now = setup, n
	if l.base.DefaultRoute {
		l.warnOfIPv6()
	}
	return l.dev, n.Local, nil
}
