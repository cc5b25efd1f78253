// Package userspace is a tunnel's local end without a kernel device: a TCP/IP stack in this
// process, behind the same Device interface. It needs no privilege.
package userspace

import (
	"fmt"
	"net/netip"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// NewUserspace returns a device whose packets come from and go to a TCP/IP stack with these
// addresses, and the stack, to dial and listen on; mtu is in bytes. Closing the device ends
// the stack and its connections.
func NewUserspace(local []netip.Addr, mtu int) (netdev.Device, *Stack, error) {
	if len(local) == 0 {
		return nil, nil, fmt.Errorf("a userspace stack needs at least one local address, and none was given")
	}
	least := netdev.MinMTU
	addrs := make([]netip.Addr, len(local))
	for i, addr := range local {
		if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() {
			return nil, nil, fmt.Errorf("local address %v is not a usable address for a userspace stack", addr)
		}
		// The stack knows an address by its bytes: the two ways to write an IPv4 address must
		// not become two.
		addrs[i] = addr.Unmap().WithZone("")
		if addrs[i].Is6() {
			least = netdev.MinMTU6
		}
	}
	if mtu < least || mtu > netdev.MaxMTU {
		return nil, nil, fmt.Errorf("MTU %d is out of range for a userspace stack: give %d to %d bytes", mtu, least, netdev.MaxMTU)
	}
	nic := newNIC(mtu)
	stack, err := newStack(nic, addrs)
	if err != nil {
		return nil, nil, fmt.Errorf("userspace stack: %w", err)
	}
	return newDevice(nic, stack), stack, nil
}
