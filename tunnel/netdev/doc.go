// Package netdev is the local end of a tunnel: the TUN device, its addresses and
// routes, and the TCP MSS clamp for what passes through it.
//
// CreateTUN opens the device. A Setup gives it addresses, an MTU and routes through
// netlink and takes every change back with Undo. ClampMSS is pure and works on any system;
// devices and set-up exist on Linux, and return an error that says so elsewhere. Package
// netdev/userspace has a device that needs no kernel at all.
package netdev
