// Package scale measures what a server does with many sessions: how fast they are
// set up, what memory one takes, what goes through all of them together, and
// whether each gets its share.
//
// The server and all clients are in this process, with MS-CHAPv2 and MPPE as
// between any two machines. Their control connections are TCP over loopback, each
// client at an address of its own in 127.0.0.0/8; GRE packets go through memory
// (package memnet), since no machine has raw sockets for thousands of hosts. The
// memory of the server is what remains after the clients have vanished without a
// word, from one moment to the next, as when a network breaks.
//
// # Hostile peers
//
// Fuzz has peers call such a server that keep to nothing, and has real clients call servers that do
// not either, beside a legitimate session. They know how to come up, so that every state is
// reached, and alter, repeat, hold back and put in what a seed's random numbers say. At the end the
// legitimate session must be the one that it was, each of its packets must have come, and nothing
// may be left of all others.
package scale
