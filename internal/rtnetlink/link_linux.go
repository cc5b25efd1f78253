package rtnetlink

import (
	"net"

	"golang.org/x/sys/unix"
)

// Link is a network interface (struct ifinfomsg and IFLA_*).
type Link struct {
	Index    int
	Name     string
	Kind     string // IFLA_INFO_KIND: "tun", "veth", "bridge", ...; empty: of a driver of its own
	Hardware uint16 // ARPHRD_*
	Address  net.HardwareAddr
	Flags    uint32 // IFF_*
	State    uint8  // IF_OPER_*, RFC 2863
	MTU      int    // bytes

	TxDropped uint64 // packets; of LinkByName and LinkByIndex
}

// Up reports whether it is administratively up.
func (l Link) Up() bool { return l.Flags&unix.IFF_UP != 0 }

// Values of Link.State (RFC 2863 ifOperStatus, linux/if.h).
const (
	StateDown = 2
	StateUp   = 6
)

// AddrGenModeNone has the kernel make no IPv6 link-local address (IN6_ADDR_GEN_MODE_NONE).
const AddrGenModeNone = 1

const skipStatistics = 8 // RTEXT_FILTER_SKIP_STATS

// Links lists all interfaces of the namespace, without TxDropped.
func (c *Conn) Links() ([]Link, error) {
	r := newRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP, infomsg(0, 0, 0))
	r.uint32(unix.IFLA_EXT_MASK, skipStatistics)
	return list(&c.socket, r, unix.RTM_NEWLINK, wantLink)
}

// LinkByName finds an interface; an error that is unix.ENODEV: there is none.
func (c *Conn) LinkByName(name string) (Link, error) {
	if len(name) >= unix.IFNAMSIZ {
		return Link{}, unix.ENODEV
	}
	r := newRequest(unix.RTM_GETLINK, 0, infomsg(0, 0, 0))
	r.name(unix.IFLA_IFNAME, name)
	return c.link(r)
}

// LinkByIndex finds an interface; an error that is unix.ENODEV: there is none.
func (c *Conn) LinkByIndex(index int) (Link, error) {
	if index <= 0 {
		return Link{}, unix.ENODEV
	}
	return c.link(newRequest(unix.RTM_GETLINK, 0, infomsg(index, 0, 0)))
}

func (c *Conn) link(r request) (Link, error) {
	found, err := list(&c.socket, r, unix.RTM_NEWLINK, wantLink)
	switch {
	case err != nil:
		return Link{}, err
	case len(found) == 0:
		return Link{}, unix.ENODEV
	}
	return found[0], nil
}

// SetUp takes an interface up.
func (c *Conn) SetUp(index int) error {
	return c.socket.do(newRequest(unix.RTM_NEWLINK, 0, infomsg(index, unix.IFF_UP, unix.IFF_UP)))
}

// SetDown takes it down.
func (c *Conn) SetDown(index int) error {
	return c.socket.do(newRequest(unix.RTM_NEWLINK, 0, infomsg(index, 0, unix.IFF_UP)))
}

// SetMTU sets an interface's MTU, in bytes.
func (c *Conn) SetMTU(index, mtu int) error {
	r := newRequest(unix.RTM_SETLINK, 0, infomsg(index, 0, 0))
	r.uint32(unix.IFLA_MTU, uint32(mtu))
	return c.socket.do(r)
}

// SetTxQueueLength sets the length of an interface's transmit queue, in packets.
func (c *Conn) SetTxQueueLength(index, packets int) error {
	r := newRequest(unix.RTM_SETLINK, 0, infomsg(index, 0, 0))
	r.uint32(unix.IFLA_TXQLEN, uint32(packets))
	return c.socket.do(r)
}

// SetAddrGenMode says how the kernel makes an interface's IPv6 link-local address. Without IPv6 it
// is an error that is unix.EAFNOSUPPORT or unix.EOPNOTSUPP.
func (c *Conn) SetAddrGenMode(index int, mode uint8) error {
	r := newRequest(unix.RTM_SETLINK, 0, infomsg(index, 0, 0))
	r.nest(unix.IFLA_AF_SPEC, func() {
		r.nest(unix.AF_INET6, func() { r.bytes(unix.IFLA_INET6_ADDR_GEN_MODE, []byte{mode}) })
	})
	return c.socket.do(r)
}

// VethEnd is one end of a pair of Ethernet interfaces (veth(4)).
type VethEnd struct {
	Name   string
	Index  int // 0: the kernel chooses
	Queues int // to send and to receive; 0 is 1
	Thread int // whose network namespace it is in; 0: the connection's
}

// AddVeth makes a pair, the first end in the namespace of the connection.
func (c *Conn) AddVeth(end, peer VethEnd) error {
	r := newRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, infomsg(end.Index, 0, 0))
	end.put(&r)
	r.nest(unix.IFLA_LINKINFO, func() {
		r.name(unix.IFLA_INFO_KIND, "veth")
		r.nest(unix.IFLA_INFO_DATA, func() {
			r.nest(vethPeer, func() {
				r = append(r, infomsg(peer.Index, 0, 0)...)
				peer.put(&r)
			})
		})
	})
	return c.socket.do(r)
}

const vethPeer = 1 // VETH_INFO_PEER, linux/veth.h

func (e VethEnd) put(r *request) {
	r.name(unix.IFLA_IFNAME, e.Name)
	if e.Queues > 0 {
		r.uint32(unix.IFLA_NUM_TX_QUEUES, uint32(e.Queues))
		r.uint32(unix.IFLA_NUM_RX_QUEUES, uint32(e.Queues))
	}
	if e.Thread > 0 {
		r.uint32(unix.IFLA_NET_NS_PID, uint32(e.Thread))
	}
}

// infomsg is struct ifinfomsg.
func infomsg(index int, flags, change uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	order.PutUint32(b[4:], uint32(index))
	order.PutUint32(b[8:], flags)
	order.PutUint32(b[12:], change)
	return b
}

func wantLink(b []byte) (Link, bool, error) {
	l, err := parseLink(b)
	return l, true, err
}

func parseLink(b []byte) (l Link, err error) {
	if len(b) < unix.SizeofIfInfomsg {
		return l, malformed("ifinfomsg", b)
	}
	l = Link{Hardware: order.Uint16(b[2:]), Index: int(int32(order.Uint32(b[4:]))), Flags: order.Uint32(b[8:])}
	var inner error
	err = eachAttribute(b[unix.SizeofIfInfomsg:], func(kind uint16, value []byte) {
		switch kind {
		case unix.IFLA_IFNAME:
			l.Name = nameOf(value)
		case unix.IFLA_MTU:
			l.MTU = int(uint32Of(value))
		case unix.IFLA_ADDRESS:
			l.Address = append(net.HardwareAddr(nil), value...)
		case unix.IFLA_OPERSTATE:
			l.State = uint8Of(value)
		case unix.IFLA_STATS64:
			const txDropped = 7 * 8 // in struct rtnl_link_stats64
			if len(value) >= txDropped+8 {
				l.TxDropped = order.Uint64(value[txDropped:])
			}
		case unix.IFLA_LINKINFO:
			inner = eachAttribute(value, func(kind uint16, value []byte) {
				if kind == unix.IFLA_INFO_KIND {
					l.Kind = nameOf(value)
				}
			})
		}
	})
	if err == nil {
		err = inner
	}
	return l, err
}
