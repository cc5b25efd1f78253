package netns

import (
	"errors"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// End is one end of a cable, an Ethernet interface of a host.
type End struct {
	Host *Host
	Name string
	// Address with its prefix length, or "". There are no others: the kernel's own of IPv6 would
	// come whenever it has proved to be unique.
	Address string
	Queues  int // to send and to receive; 0 is 1
	Index   int // of the interface; 0 lets the kernel choose. For the first end of Join only.
}

// carrierTimeout bounds how long a cable may take to carry.
const carrierTimeout = time.Minute

// Join connects two hosts by a cable, and returns when it carries. Both ends may be of one host.
func Join(a, b End) error {
	err := a.Host.Do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.Index, attrs.NumTxQueues, attrs.NumRxQueues = a.Name, a.Index, a.Queues, a.Queues
		return netlink.LinkAdd(&netlink.Veth{
			LinkAttrs: attrs, PeerName: b.Name, PeerNamespace: netlink.NsPid(b.Host.thread),
			PeerNumTxQueues: uint32(b.Queues), PeerNumRxQueues: uint32(b.Queues),
		})
	})
	ends := []End{a, b}
	for _, e := range ends {
		if err == nil {
			err = e.Host.Do(e.setUp)
		}
	}
	for _, e := range ends {
		for limit := time.Now().Add(carrierTimeout); err == nil; time.Sleep(time.Millisecond) {
			no := e.Host.Do(func() error { return Carries(e.Name) })
			if no == nil {
				break
			}
			if time.Now().After(limit) {
				err = no
			}
		}
	}
	return err
}

func (e End) setUp() error {
	return Change(e.Name, func(l netlink.Link) error {
		if err := netlink.LinkSetIP6AddrGenMode(l, nl.IN6_ADDR_GEN_MODE_NONE); err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
			return err
		}
		if e.Address != "" {
			if err := AddAddress(e.Name, e.Address); err != nil {
				return err
			}
		}
		return netlink.LinkSetUp(l)
	})
}
