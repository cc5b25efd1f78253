package netns

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// Change does something to an interface of the calling thread's namespace.
func Change(name string, f func(netlink.Link) error) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("interface %q: %w", name, err)
	}
	return f(l)
}

// AddAddress gives an interface of the calling thread's namespace an address, which is written with
// its prefix length.
func AddAddress(name, cidr string) error {
	return Change(name, func(l netlink.Link) error {
		a, err := netlink.ParseAddr(cidr)
		if err != nil {
			return err
		}
		return netlink.AddrAdd(l, a)
	})
}

// Carries gives the reason why an interface of the calling thread's namespace does not carry
// packets yet, or nil.
func Carries(name string) error {
	return Change(name, func(l netlink.Link) error {
		if state := l.Attrs().OperState; state != netlink.OperUp {
			return fmt.Errorf("interface %q is %v", name, state)
		}
		return nil
	})
}
