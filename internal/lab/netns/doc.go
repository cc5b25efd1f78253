// Package netns makes hosts out of network namespaces without names, and joins them by cables
// (Linux; network_namespaces(7), veth(4)). It takes CAP_SYS_ADMIN. Nothing outlives the process.
package netns
