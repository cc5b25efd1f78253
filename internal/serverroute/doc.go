// Package serverroute keeps a tunnel's own packets out of the tunnel: it is the one place that
// knows the path to the server.
//
// A tunnel that takes everything in, its server's address too, needs another path for the packets
// that carry it. A Follower hears of every change of routes, links and addresses from the kernel
// (rtnetlink(7)), and at each of them looks for the best route to the server around the tunnel's
// device:
//
//   - A default route through the tunnel stands in a table of its own, which policy rules have
//     looked up for all that is not marked; another rule leads to the server.
//   - Where routes of the main table into the tunnel take in the server's address, a host route
//     leads it around, and is replaced as soon as another path is better, whether the old one has
//     gone by then or not. When there is none, it stays as the kernel leaves it.
//   - The sockets of the control connection, of GRE and of name look-ups leave by the interface of
//     that path (SO_BINDTODEVICE, IP_UNICAST_IF in socket(7) and ip(7)), which the kernel holds to
//     whatever the routes say: between the loss of a host route and its return nothing of ours
//     enters the tunnel. This takes neither rules nor tables, which small kernels lack, and leaves
//     nothing behind. Where there are rules, those sockets are marked, too.
//   - Names are looked up around the tunnel as long as its device is there; each address of a name
//     is tried, and those that worked last when nobody answers.
//   - Whoever keeps a call hears when that cannot go on, and who waits to dial hears when there is
//     a path again.
//
// Routes and rules carry the mark Protocol; a host route's metric and the number of a table name
// the process that made it, which is how the next run knows what one that was killed has left.
package serverroute
