package rtnetlink

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// Address is one of an interface's (struct ifaddrmsg and IFA_*).
type Address struct {
	Link  int          // the interface
	Local netip.Prefix // with the bits of the host
	// Peer is the other end's, with the length of the network that is reached by it; invalid: none.
	// Local is a single address then.
	Peer     netip.Prefix
	Scope    uint8  // RT_SCOPE_*
	Flags    uint32 // IFA_F_*
	Protocol uint8  // IFA_PROTO: who has put it there; before Linux 5.18 always 0
}

const ifaProto = 11 // IFA_PROTO, linux/if_addr.h

// Addresses lists those of a family (unix.AF_INET, AF_INET6; AF_UNSPEC: both).
func (c *Conn) Addresses(family uint8) ([]Address, error) {
	fixed := make([]byte, unix.SizeofIfAddrmsg)
	fixed[0] = family
	return list(&c.socket, newRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP, fixed), unix.RTM_NEWADDR, func(b []byte) (a Address, wanted bool, err error) {
		if len(b) > 0 && (addressBits(b[0]) == 0 || family != unix.AF_UNSPEC && b[0] != family) {
			return a, false, nil
		}
		a, err = parseAddress(b)
		return a, true, err
	})
}

// AddAddress puts an address on its interface; an error that is unix.EEXIST: it is there. A kernel
// that does not know Protocol takes no notice of it.
func (c *Conn) AddAddress(a Address) error {
	return c.socket.do(a.request(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL))
}

// DeleteAddress takes it away; an error that is unix.EADDRNOTAVAIL: it is not there.
func (c *Conn) DeleteAddress(a Address) error { return c.socket.do(a.request(unix.RTM_DELADDR, 0)) }

func (a Address) request(kind, flags uint16) request {
	network := a.Local
	if a.Peer.IsValid() {
		network = a.Peer
	}
	fixed := make([]byte, unix.SizeofIfAddrmsg)
	fixed[0], fixed[1], fixed[3] = familyOf(a.Local.Addr()), uint8(network.Bits()), a.Scope
	order.PutUint32(fixed[4:], uint32(a.Link))
	r := newRequest(kind, flags, fixed)
	r.address(unix.IFA_LOCAL, a.Local.Addr())
	r.address(unix.IFA_ADDRESS, network.Addr())
	if a.Flags != 0 {
		r.uint32(unix.IFA_FLAGS, a.Flags)
	}
	if a.Protocol != 0 {
		r.bytes(ifaProto, []byte{a.Protocol})
	}
	return r
}

func parseAddress(b []byte) (a Address, err error) {
	if len(b) < unix.SizeofIfAddrmsg {
		return a, malformed("ifaddrmsg", b)
	}
	family, bits := b[0], b[1]
	a = Address{Flags: uint32(b[2]), Scope: b[3], Link: int(int32(order.Uint32(b[4:])))}
	var local, address []byte
	if err := eachAttribute(b[unix.SizeofIfAddrmsg:], func(kind uint16, value []byte) {
		switch kind {
		case unix.IFA_LOCAL:
			local = value
		case unix.IFA_ADDRESS:
			address = value
		case unix.IFA_FLAGS:
			a.Flags = uint32Of(value)
		case ifaProto:
			a.Protocol = uint8Of(value)
		}
	}); err != nil {
		return a, err
	}
	// IPv4 has both, which are the same without a peer. IPv6 has both only with a peer.
	if address == nil {
		address = local
	}
	network, ok := prefixOf(family, address, bits)
	if local == nil {
		local = address
	}
	single := addressOf(local)
	switch {
	case !ok || single.BitLen() != addressBits(family) || len(local) == 0:
		return a, malformed("address", b)
	case single == network.Addr():
		a.Local = network
	default:
		a.Local, a.Peer = netip.PrefixFrom(single, single.BitLen()), network
	}
	return a, nil
}
