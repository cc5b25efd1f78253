// Package claim gives a process a number that no other process of this program has, and that
// others can ask after as long as it lives. What outlives a process on the system carries its
// number (the metric of a route, a routing table, the name of a table of nftables), so that the
// next one knows what one that was killed has left.
package claim
