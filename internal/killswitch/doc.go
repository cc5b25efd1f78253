// Package killswitch keeps this machine's packets from leaving outside a tunnel, whether that is
// up, not yet, or being dialled again: a table of nftables(8) of its own, which is added before
// the first packet and removed whole.
//
// What may leave is what carries the tunnel, by its firewall mark, what goes through it, by the
// device, and what goes to networks that are excluded; besides what a link needs before anything
// can be carried: DHCP, neighbour discovery, and ARP, which nftables does not see in this family.
// The table stands behind routing and address translation (the postrouting hook), so nothing that
// others do to a packet leads around it.
//
// A table stays when its process is killed, for that is what it is for; its number
// (internal/claim) tells the next run that nobody has it any more.
package killswitch
