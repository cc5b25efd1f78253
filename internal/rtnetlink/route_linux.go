package rtnetlink

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// Route is a way to a network (struct rtmsg and RTA_*).
type Route struct {
	Dst      netip.Prefix // the default route's is 0.0.0.0/0 or ::/0
	Gateway  netip.Addr   // may be of the other family (RTA_VIA); invalid: on the link
	Source   netip.Addr   // what is sent from (RTA_PREFSRC); invalid: the kernel chooses
	Link     int          // the interface; 0: none, or those of Hops
	Hops     []Hop        // of a route that has several
	Table    uint32       // RT_TABLE_*
	Priority uint32       // the metric: smaller is better
	Protocol uint8        // RTPROT_*: who has made it
	Scope    uint8        // RT_SCOPE_*
	Type     uint8        // RTN_*; 0 is RTN_UNICAST for AddRoute and its like
	TOS      uint8
	Flags    uint32 // RTNH_F_*
	MTU      uint32 // bytes; 0: the interface's
	AdvMSS   uint32 // bytes; 0: the interface's

	// Changed says that packets leave as something else than IP of this destination, in a tunnel
	// that the route makes or under a label (RTA_ENCAP, RTA_NEWDST). Routes are not added with it.
	Changed bool
}

// Hop is one of several (struct rtnexthop).
type Hop struct {
	Link    int
	Gateway netip.Addr // as a route's
	Flags   uint32     // RTNH_F_*
}

// String is the route in the words of ip-route(8), for messages.
func (r Route) String() string {
	var b strings.Builder
	b.WriteString(r.Dst.String())
	if r.Gateway.IsValid() {
		fmt.Fprintf(&b, " via %v", r.Gateway)
	}
	if r.Link != 0 {
		fmt.Fprintf(&b, " by interface %d", r.Link)
	}
	fmt.Fprintf(&b, " table %d proto %d metric %d", r.Table, r.Protocol, r.Priority)
	return b.String()
}

// Routes lists those of a family (unix.AF_INET, AF_INET6), of all tables, that are wanted. Wanted
// may not keep what it is shown.
func (c *Conn) Routes(family uint8, wanted func(*Route) bool) ([]Route, error) {
	return list(&c.socket, routeDump(family), unix.RTM_NEWROUTE, func(b []byte) (Route, bool, error) {
		if !listed(b, family) {
			return Route{}, false, nil
		}
		r, err := parseRoute(b)
		return r, err == nil && wanted(&r), err
	})
}

func routeDump(family uint8) request {
	fixed := make([]byte, unix.SizeofRtMsg)
	fixed[0] = family
	return newRequest(unix.RTM_GETROUTE, unix.NLM_F_DUMP, fixed)
}

// listed reports whether a message has a route of a family, and none that the kernel has derived.
func listed(b []byte, family uint8) bool {
	return len(b) >= unix.SizeofRtMsg && b[0] == family && order.Uint32(b[8:])&unix.RTM_F_CLONED == 0
}

// RouteQuery narrows what RouteTo asks.
type RouteQuery struct {
	Source netip.Addr // invalid: any
	Link   int        // by which packets have to leave; 0: any
	Mark   uint32     // the firewall mark that packets have; 0: none
	Match  bool       // the route as it stands in its table, and no answer without one (RTM_F_FIB_MATCH)
}

// RouteTo gives the way that packets to an address take.
func (c *Conn) RouteTo(to netip.Addr, q RouteQuery) (Route, error) {
	fixed := make([]byte, unix.SizeofRtMsg)
	fixed[0], fixed[1] = familyOf(to), uint8(to.BitLen())
	flags := uint32(unix.RTM_F_LOOKUP_TABLE)
	if q.Match {
		flags |= unix.RTM_F_FIB_MATCH
	}
	if q.Source.IsValid() {
		fixed[2] = uint8(q.Source.BitLen())
	}
	order.PutUint32(fixed[8:], flags)
	r := newRequest(unix.RTM_GETROUTE, 0, fixed)
	r.address(unix.RTA_DST, to)
	if q.Source.IsValid() {
		r.address(unix.RTA_SRC, q.Source)
	}
	if q.Link != 0 {
		r.uint32(unix.RTA_OIF, uint32(q.Link))
	}
	if q.Mark != 0 {
		r.uint32(unix.RTA_MARK, q.Mark)
	}
	found, err := list(&c.socket, r, unix.RTM_NEWROUTE, func(b []byte) (Route, bool, error) {
		r, err := parseRoute(b)
		return r, true, err
	})
	switch {
	case err != nil:
		return Route{}, err
	case len(found) != 1:
		return Route{}, fmt.Errorf("%d answers to one question", len(found))
	}
	return found[0], nil
}

// AddRoute adds one; an error that is unix.EEXIST: there is one of this network and metric.
func (c *Conn) AddRoute(r Route) error {
	return c.socket.do(r.request(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL))
}

// ReplaceRoute adds one, or replaces that of the same network, metric and table in one step.
func (c *Conn) ReplaceRoute(r Route) error {
	return c.socket.do(r.request(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE))
}

// DeleteRoute removes one; an error that is unix.ESRCH: there is none.
func (c *Conn) DeleteRoute(r Route) error { return c.socket.do(r.request(unix.RTM_DELROUTE, 0)) }

func (r Route) request(kind, flags uint16) request {
	family := familyOf(r.Dst.Addr())
	fixed := make([]byte, unix.SizeofRtMsg)
	fixed[0], fixed[1], fixed[3], fixed[4] = family, uint8(r.Dst.Bits()), r.TOS, tableByte(r.Table)
	fixed[5], fixed[6], fixed[7] = r.Protocol, r.Scope, r.Type
	if r.Type == 0 {
		fixed[7] = unix.RTN_UNICAST
	}
	if r.Protocol == 0 && kind == unix.RTM_NEWROUTE {
		fixed[5] = unix.RTPROT_BOOT
	}
	order.PutUint32(fixed[8:], r.Flags&unix.RTNH_F_ONLINK) // the kernel sets the others, and takes none
	m := newRequest(kind, flags, fixed)
	if r.Dst.Bits() > 0 {
		m.address(unix.RTA_DST, r.Dst.Addr())
	}
	putGateway(&m, family, r.Gateway)
	if r.Source.IsValid() {
		m.address(unix.RTA_PREFSRC, r.Source)
	}
	for _, number := range []struct {
		kind  uint16
		value uint32
	}{{unix.RTA_OIF, uint32(r.Link)}, {unix.RTA_PRIORITY, r.Priority}, {unix.RTA_TABLE, r.Table}} {
		if number.value != 0 {
			m.uint32(number.kind, number.value)
		}
	}
	if r.MTU != 0 || r.AdvMSS != 0 {
		m.nest(unix.RTA_METRICS, func() {
			if r.MTU != 0 {
				m.uint32(unix.RTAX_MTU, r.MTU)
			}
			if r.AdvMSS != 0 {
				m.uint32(unix.RTAX_ADVMSS, r.AdvMSS)
			}
		})
	}
	if len(r.Hops) > 0 {
		m.nest(unix.RTA_MULTIPATH, func() {
			for _, h := range r.Hops {
				h.put(&m, family)
			}
		})
	}
	return m
}

// tableByte is what of a table's number fits into struct rtmsg; RTA_TABLE has all of it.
func tableByte(table uint32) uint8 {
	switch {
	case table == 0:
		return unix.RT_TABLE_MAIN
	case table > 255:
		return unix.RT_TABLE_UNSPEC
	}
	return uint8(table)
}

func putGateway(m *request, family uint8, gateway netip.Addr) {
	switch {
	case !gateway.IsValid():
	case familyOf(gateway) == family:
		m.address(unix.RTA_GATEWAY, gateway)
	default: // struct rtvia
		m.bytes(unix.RTA_VIA, append(order.AppendUint16(nil, uint16(familyOf(gateway))), gateway.WithZone("").AsSlice()...))
	}
}

// put adds struct rtnexthop, which is nested but no attribute.
func (h Hop) put(m *request, family uint8) {
	start := len(*m)
	*m = append(*m, 0, 0, uint8(h.Flags&unix.RTNH_F_ONLINK), 0)
	*m = order.AppendUint32(*m, uint32(h.Link))
	putGateway(m, family, h.Gateway)
	order.PutUint16((*m)[start:], uint16(len(*m)-start))
}

func parseRoute(b []byte) (r Route, err error) {
	if len(b) < unix.SizeofRtMsg {
		return r, malformed("rtmsg", b)
	}
	family, bits := b[0], b[1]
	r = Route{TOS: b[3], Table: uint32(b[4]), Protocol: b[5], Scope: b[6], Type: b[7], Flags: order.Uint32(b[8:])}
	var dst []byte
	var inner error
	err = eachAttribute(b[unix.SizeofRtMsg:], func(kind uint16, value []byte) {
		var err error
		switch kind {
		case unix.RTA_DST:
			dst = value
		case unix.RTA_GATEWAY, unix.RTA_VIA:
			r.Gateway = gatewayOf(kind, value)
		case unix.RTA_PREFSRC:
			r.Source = addressOf(value)
		case unix.RTA_OIF:
			r.Link = int(int32(uint32Of(value)))
		case unix.RTA_PRIORITY:
			r.Priority = uint32Of(value)
		case unix.RTA_TABLE:
			r.Table = uint32Of(value)
		case unix.RTA_ENCAP, unix.RTA_NEWDST:
			r.Changed = true
		case unix.RTA_METRICS:
			err = r.parseMetrics(value)
		case unix.RTA_MULTIPATH:
			err = r.parseHops(value)
		}
		if inner == nil {
			inner = err
		}
	})
	if err == nil {
		err = inner
	}
	var ok bool
	if r.Dst, ok = prefixOf(family, dst, bits); !ok && err == nil {
		err = malformed("route", b)
	}
	r.Dst = r.Dst.Masked() // the kernel's are; what is behind the bits is nobody's network
	return r, err
}

// gatewayOf reads RTA_GATEWAY or struct rtvia.
func gatewayOf(kind uint16, value []byte) netip.Addr {
	if kind == unix.RTA_VIA {
		value = value[min(2, len(value)):]
	}
	return addressOf(value)
}

func (r *Route) parseMetrics(b []byte) error {
	return eachAttribute(b, func(kind uint16, value []byte) {
		switch kind {
		case unix.RTAX_MTU:
			r.MTU = uint32Of(value)
		case unix.RTAX_ADVMSS:
			r.AdvMSS = uint32Of(value)
		}
	})
}

func (r *Route) parseHops(b []byte) error {
	for len(b) >= unix.SizeofRtNexthop {
		length := int(order.Uint16(b))
		if length < unix.SizeofRtNexthop || length > len(b) {
			return malformed("rtnexthop", b)
		}
		h := Hop{Flags: uint32(b[2]), Link: int(int32(order.Uint32(b[4:])))}
		if err := eachAttribute(b[unix.SizeofRtNexthop:length], func(kind uint16, value []byte) {
			switch kind {
			case unix.RTA_GATEWAY, unix.RTA_VIA:
				h.Gateway = gatewayOf(kind, value)
			case unix.RTA_ENCAP, unix.RTA_NEWDST:
				r.Changed = true
			}
		}); err != nil {
			return err
		}
		r.Hops = append(r.Hops, h)
		b = b[min(align(length), len(b)):]
	}
	return nil
}
