package bugreport

import (
	"bytes"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// kernelNetwork is what the kernel itself says of links, addresses, routes and rules: as ip(8)
// does, where that is not there.
func kernelNetwork() ([]byte, error) {
	c, err := rtnetlink.Open()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var b bytes.Buffer
	links, err := c.Links()
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		fmt.Fprintf(&b, "link %+v\n", l)
	}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		addresses, err := c.Addresses(family)
		if err != nil {
			return nil, err
		}
		for _, a := range addresses {
			fmt.Fprintf(&b, "address %+v\n", a)
		}
		rules, err := c.Rules(family)
		if err != nil {
			fmt.Fprintf(&b, "rules: %v\n", err) // a kernel without has none
		}
		for _, rule := range rules {
			fmt.Fprintf(&b, "rule %+v\n", rule)
		}
		routes, err := c.Routes(family, func(*rtnetlink.Route) bool { return true })
		if err != nil {
			return nil, err
		}
		for _, route := range routes {
			fmt.Fprintf(&b, "route %+v\n", route)
		}
	}
	return b.Bytes(), nil
}
