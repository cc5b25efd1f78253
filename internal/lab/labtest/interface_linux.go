package labtest

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
