package netdev

import (
	"errors"
	"fmt"
	"strings"

	"golang.zx2c4.com/wireguard/tun"
)

// Device moves IP packets in batches: a kernel TUN device, or a userspace stack.
type Device = tun.Device

// ErrDeleted is what reading a device gives that somebody else has deleted, or that has come to its
// end.
var ErrDeleted = errors.New("the TUN device was deleted")

const (
	// DefaultName is the device name when the user gives none: the kernel puts the lowest
	// free number in place of %d.
	DefaultName = "arc4%d"

	// MinMTU is the smallest MTU a device may have: what every IPv4 host must be able to
	// forward whole (RFC 791 section 3.2). IPv6 asks for MinMTU6.
	MinMTU = 68
	// MinMTU6 is the smallest MTU that carries IPv6 (RFC 8200 section 5).
	MinMTU6 = 1280
	// MaxMTU is the largest MTU of a TUN device, in bytes.
	MaxMTU = 65535

	// maxName is IFNAMSIZ less the terminating zero.
	maxName = 15
)

// ValidateName checks a device name against the kernel's rules: 1 to 15 bytes, no slash,
// no white space, no colon, not "." or ".."; one %d stands for the lowest free number.
func ValidateName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("TUN device name is empty: give one, such as %q", DefaultName)
	case name == "." || name == "..":
		return fmt.Errorf("TUN device name %q is reserved: give another, such as %q", name, DefaultName)
	case len(name) > maxName:
		return fmt.Errorf("TUN device name %q is %d bytes long: the kernel takes at most %d", name, len(name), maxName)
	}
	if i := strings.IndexFunc(name, badNameRune); i >= 0 {
		return fmt.Errorf("TUN device name %q has %q in it: use letters, digits, '-', '_' and '.'", name, name[i:i+1])
	}
	if strings.Contains(strings.Replace(name, "%d", "", 1), "%") {
		return fmt.Errorf("TUN device name %q: '%%' is allowed only as one %%d, for the lowest free number", name)
	}
	return nil
}

// badNameRune refuses what the kernel refuses and, beyond it, control characters and
// non-ASCII, which make logs and shell lines lie about the name.
func badNameRune(r rune) bool {
	return r <= ' ' || r == '/' || r == ':' || r >= 0x7f
}

// validateMTU names the value and the range.
func validateMTU(mtu int) error {
	if mtu < MinMTU || mtu > MaxMTU {
		return fmt.Errorf("MTU %d is out of range: give %d to %d bytes (1400 suits most PPTP paths)", mtu, MinMTU, MaxMTU)
	}
	return nil
}
