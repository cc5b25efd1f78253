//go:build !linux

package probe

import (
	"net/netip"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/diagnosis"
)

// routeTo asks nobody on this system.
func routeTo(netip.Addr) diagnosis.Route { return unknownRoute }
