//go:build !linux

package gre

import (
	"fmt"
	"net/netip"
	"runtime"
)

// Listen opens a raw IPPROTO_GRE socket on local, an IPv4 address of this machine. It receives
// every GRE packet sent to local, and what it sends comes from local. Packets move one a system
// call on this system, and Options.DontFragment is refused.
func Listen(local netip.Addr, opts Options) (Conn, error) {
	if opts.DontFragment {
		return nil, fmt.Errorf("gre: do-not-fragment on the outer packets is not available on %s", runtime.GOOS)
	}
	if err := checkReaders(opts.Readers); err != nil {
		return nil, err
	}
	return listenPortable(local, opts)
}
