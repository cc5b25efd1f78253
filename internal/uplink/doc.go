// Package uplink sends GRE packets past the kernel's IP layer, where that is allowed and known to
// work: through an AF_XDP socket in copy mode, or an AF_PACKET socket that bypasses the queueing
// discipline. Both cost half of what a raw socket costs for a packet, which is where a tunnel's
// time goes.
//
// What the kernel's IP layer would have done is then done here: the route, the next hop's Ethernet
// address and the link's state are asked of the kernel and followed (notifications_linux.go), and
// whether a fast way may be taken at all is judged from them (eligible.go). Every doubt ends at the
// raw socket, which the caller has anyway. A way that is taken is watched (delivery.go): the peer's
// acknowledgments must go on, or the raw socket has the packets again.
//
// What does not happen on a fast way: netfilter's OUTPUT and POSTROUTING chains, the queueing
// discipline, and programs on the link's egress. Packets that acknowledge only, one a second at
// least while there is traffic, still go by the raw socket, so that a firewall that refuses them is
// noticed, connections stay tracked, and the neighbour table knows that the next hop is used.
package uplink
