package control

import "net/netip"

// WinsCollision decides between two control connections that a PNS and a PAC opened to each other at the same time
// (RFC 2637 section 3.1.3): true if the one opened from local is kept, because local is the higher address. The
// loser closes its own connection without another message and answers on the winner's.
func WinsCollision(local, peer netip.Addr) bool { return local.Unmap().Compare(peer.Unmap()) > 0 }
