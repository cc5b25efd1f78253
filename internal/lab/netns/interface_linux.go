package netns

import (
	"fmt"
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// ask asks the kernel about the calling thread's namespace.
func ask(f func(*rtnetlink.Conn) error) error {
	c, err := rtnetlink.Open()
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c)
}

// change does something to an interface of the calling thread's namespace.
func change(name string, f func(*rtnetlink.Conn, rtnetlink.Link) error) error {
	return ask(func(c *rtnetlink.Conn) error {
		l, err := c.LinkByName(name)
		if err != nil {
			return fmt.Errorf("interface %q: %w", name, err)
		}
		return f(c, l)
	})
}

// AddAddress gives an interface of the calling thread's namespace an address, which is written with
// its prefix length.
func AddAddress(name, cidr string) error {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return err
	}
	return change(name, func(c *rtnetlink.Conn, l rtnetlink.Link) error {
		return c.AddAddress(rtnetlink.Address{Link: l.Index, Local: p})
	})
}

// SetUp takes an interface of the calling thread's namespace up.
func SetUp(name string) error {
	return change(name, func(c *rtnetlink.Conn, l rtnetlink.Link) error { return c.SetUp(l.Index) })
}

// SetMTU sets the MTU of such an interface, in bytes.
func SetMTU(name string, mtu int) error {
	return change(name, func(c *rtnetlink.Conn, l rtnetlink.Link) error { return c.SetMTU(l.Index, mtu) })
}

// SetTxQueueLength sets how many packets may wait to be sent by such an interface.
func SetTxQueueLength(name string, packets int) error {
	return change(name, func(c *rtnetlink.Conn, l rtnetlink.Link) error { return c.SetTxQueueLength(l.Index, packets) })
}

// Dropped counts the packets that such an interface and its queueing disciplines did not send.
func Dropped(name string) (packets uint64, err error) {
	err = change(name, func(c *rtnetlink.Conn, l rtnetlink.Link) error {
		packets = l.TxDropped
		disciplines, err := c.Disciplines(l.Index)
		for _, d := range disciplines {
			packets += uint64(d.Dropped)
		}
		return err
	})
	return packets, err
}

// Carries gives the reason why an interface of the calling thread's namespace does not carry
// packets yet, or nil.
func Carries(name string) error {
	return change(name, func(_ *rtnetlink.Conn, l rtnetlink.Link) error {
		if l.State != rtnetlink.StateUp {
			return fmt.Errorf("interface %q has no carrier: its state is %d (RFC 2863), and not %d", name, l.State, rtnetlink.StateUp)
		}
		return nil
	})
}
