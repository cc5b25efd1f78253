package netns

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
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
		return ask(func(c *rtnetlink.Conn) error {
			return c.AddVeth(rtnetlink.VethEnd{Name: a.Name, Index: a.Index, Queues: a.Queues},
				rtnetlink.VethEnd{Name: b.Name, Queues: b.Queues, Thread: b.Host.thread})
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
	return change(e.Name, func(c *rtnetlink.Conn, l rtnetlink.Link) error {
		if err := c.SetAddrGenMode(l.Index, rtnetlink.AddrGenModeNone); err != nil && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EAFNOSUPPORT) {
			return err
		}
		if e.Address != "" {
			if err := AddAddress(e.Name, e.Address); err != nil {
				return err
			}
		}
		return c.SetUp(l.Index)
	})
}
