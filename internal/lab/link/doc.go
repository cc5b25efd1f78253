// Package link emulates a network link: delay, jitter, loss, duplication,
// reordering, a line rate and a bounded queue, with the meaning that Linux's
// netem gives to these words.
//
// A [Link] is one direction and a pure scheduler: packets and the time go in,
// packets whose time has come go out. The same seed, packets and times give the
// same result. A [Runner] moves real packets through a Link, each released at
// its own time, and measures how late it was. A [Bridge] joins two TUN devices,
// in network namespaces or in userspace, by two of them.
//
// # What a packet meets
//
// First chance decides whether it is lost, doubled or sent ahead, each by an
// independent sequence of its own: changing the jitter does not change which
// packets are lost. A lost packet takes no place in the queue and no time on the
// line. Then comes the queue, which refuses a packet when Limit are in the link,
// waiting or in flight. Then the line, which sends one packet after another at
// Rate. Then the delay, drawn anew for each packet and for each copy: with
// jitter, packets overtake each other, as with netem. A packet sent ahead skips
// the delay, not the line.
//
// One thing differs from netem: its rate and delay overlap in one queue, while
// here the delay follows the line, as on a cable. With a constant delay the
// times of departure are the same.
package link
