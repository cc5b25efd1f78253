//go:build !linux

package netdev

import (
	"fmt"
	"runtime"
)

// CreateTUN returns an error: devices and their set-up through netlink exist on Linux only.
func CreateTUN(name string, mtu int) (Device, string, error) {
	if err := ValidateName(name); err != nil {
		return nil, "", err
	}
	if err := validateMTU(mtu); err != nil {
		return nil, "", err
	}
	return nil, "", fmt.Errorf("TUN device %q: kernel devices are supported on Linux only, this is %s: run arc4 on Linux, or in a Linux container or VM", name, runtime.GOOS)
}
