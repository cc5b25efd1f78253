//go:build !linux

package gre

import "net/netip"

// Listen opens a raw IPPROTO_GRE socket on local, an IPv4 address of this machine. It receives
// every GRE packet sent to local, and what it sends comes from local. Packets move one a system
// call on this system.
func Listen(local netip.Addr, opts Options) (Conn, error) {
	if err := checkReaders(opts.Readers); err != nil {
		return nil, err
	}
	return listenPortable(local, opts)
}
