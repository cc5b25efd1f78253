// Package soak keeps a tunnel under bad conditions for as long as one likes, and
// demands that nothing goes wrong: a server and a client of this project, over the
// emulated link of package lab, with all that a network and a machine do to a
// tunnel. Packets are lost, doubled and put out of order, in bursts too; the link
// goes down and comes up; the server is killed and comes back; clocks jump; memory
// is short; sequence numbers (32 bits) and coherency counts (12 bits) pass their end.
//
// # What is demanded
//
//   - Data. TCP streams carry bytes that both ends know, with a checksum at each end.
//     Every UDP datagram carries its number and a content that follows from that: none
//     comes altered, none comes twice, and none overtakes another one under the
//     policies order and drop. Under immediate one may, where the link lets it. Every
//     packet that a device is given has sound checksums.
//   - Accounts. Between any two of the nine places where packets are counted, what
//     goes in comes out or is accounted for, to the packet (accounts.go). A kernel does
//     not tell what came while a socket was closed, and what its queue before the wire
//     dropped is known as an upper bound; in userspace mode all is known.
//   - Numbers. Every sequence number that a session has used was delivered, given up,
//     or a control frame's.
//   - Liveness. After each scene the tunnel carries datagrams and keep-alives again,
//     and a session ends only in scenes that end sessions.
//   - No leak. After each round of scenes everything is ended. Then there are no
//     more goroutines and file descriptors than before the first one; and what the
//     process holds, live heap and resident memory, both after a collection and after
//     what is free was given back, is at the end of the run at most 2% more than after
//     every kind of scene has had its turn once. Medians of five such looks each are
//     compared. What a process takes once, its program and its threads, is taken before.
//
// # How it goes
//
// A run is a sequence of scenes, each some seconds of one kind of trouble, chosen and
// filled in by a seed: the same seed gives the same scenes. After each scene the link
// is made perfect, the streams come to their end, the traffic pauses, and all of the
// above is checked. No verdict depends on how fast the machine is.
package soak
