package rtnetlink

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Neighbour is an entry of the ARP or neighbour discovery table (struct ndmsg and NDA_*).
type Neighbour struct {
	Link            int
	Address         netip.Addr
	HardwareAddress net.HardwareAddr // nil: it has none
	State           uint16           // NUD_*
}

// Neighbours lists those of an interface in a family (unix.AF_INET, AF_INET6).
func (c *Conn) Neighbours(link int, family uint8) ([]Neighbour, error) {
	fixed := make([]byte, unix.SizeofNdMsg)
	fixed[0] = family
	r := newRequest(unix.RTM_GETNEIGH, unix.NLM_F_DUMP, fixed)
	r.uint32(unix.NDA_IFINDEX, uint32(link))
	return list(&c.socket, r, unix.RTM_NEWNEIGH, func(b []byte) (Neighbour, bool, error) {
		if len(b) > 0 && b[0] != family {
			return Neighbour{}, false, nil
		}
		n, err := parseNeighbour(b)
		return n, n.Link == link, err
	})
}

func parseNeighbour(b []byte) (n Neighbour, err error) {
	if len(b) < unix.SizeofNdMsg {
		return n, malformed("ndmsg", b)
	}
	n = Neighbour{Link: int(int32(order.Uint32(b[4:]))), State: order.Uint16(b[8:])}
	err = eachAttribute(b[unix.SizeofNdMsg:], func(kind uint16, value []byte) {
		switch kind {
		case unix.NDA_DST:
			n.Address = addressOf(value)
		case unix.NDA_LLADDR:
			n.HardwareAddress = append(net.HardwareAddr(nil), value...)
		}
	})
	if err == nil && (!n.Address.IsValid() || n.Address.BitLen() != addressBits(b[0])) {
		err = malformed("neighbour", b)
	}
	return n, err
}
