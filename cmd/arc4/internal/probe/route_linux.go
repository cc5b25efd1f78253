package probe

import (
	"net/netip"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/diagnosis"
	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// routeTo asks the kernel for the way to an address.
func routeTo(to netip.Addr) (r diagnosis.Route) {
	conn, err := rtnetlink.Open()
	if err != nil {
		return unknownRoute
	}
	defer conn.Close()
	found, err := conn.RouteTo(to, rtnetlink.RouteQuery{})
	if err != nil {
		return diagnosis.Route{Err: err}
	}
	r = diagnosis.Route{Source: found.Source, NextHop: found.Gateway, MTU: int(found.MTU)}
	link, err := conn.LinkByIndex(found.Link)
	if err != nil {
		return diagnosis.Route{Err: err}
	}
	r.Interface = link.Name
	if r.MTU == 0 {
		r.MTU = link.MTU
	}
	return r
}
