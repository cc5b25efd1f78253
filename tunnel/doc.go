// Package tunnel carries IP through PPTP (RFC 2637): a [Client] keeps one tunnel to a server, a
// [Server] answers many clients on one device.
//
// A ClientConfig's Bring makes the local end when the link has agreed on addresses, and gives its
// device; package netdev has a TUN device and its set-up, netdev/userspace a TCP/IP stack, and
// [netdev.FromPackets] makes a device of any io.ReadWriteCloser that gives and takes whole packets,
// as the example of Client does. A ServerConfig brings its device along. What ends a tunnel is an
// [Error], whose [Class] says what kind of thing it was. PPTP is not secure; see the README.
package tunnel
