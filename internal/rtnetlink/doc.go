// Package rtnetlink asks the Linux kernel about links, addresses, routes, neighbours, rules and
// queueing disciplines, changes the first three, and hears of changes, all of which is of one
// network namespace (rtnetlink(7), netlink(7), linux/rtnetlink.h; IPsec's policies: linux/xfrm.h).
//
// It has what this program needs and no more, which adds 0.13 MB to the file for a router (mipsle,
// stripped). vishvananda/netlink, with which tests make their networks, adds 0.59 MB, and
// jsimonetti/rtnetlink with mdlayher/netlink 0.26 MB, without queueing disciplines, filters,
// IPsec's policies and IFA_PROTO. In a program that keeps methods for reflection both add more.
package rtnetlink
