// Package lab is a PPTP tunnel and the network under it, all in one process: a
// server host and a client host, joined by an emulated link in each direction,
// our own server and client with MS-CHAPv2 and MPPE-128 between them, and TCP
// that is measured through the tunnel or over the bare link.
//
// In kernel mode (Linux) the hosts are two network namespaces without a name.
// Each has a TUN device for a wire, whose packets this process carries through
// package link to the other; the tunnel uses real raw GRE sockets and TUN devices,
// and TCP is the kernel's. That takes the rights over namespaces that root has, or
// any user inside a user namespace: see [Enter]. In userspace mode, which needs no
// right at all, the hosts are TCP/IP stacks in this process, and GRE packets go
// through the link in memory.
//
// Nothing outlives [Lab.Close]: no interface, no namespace, no goroutine.
package lab
