// Package capture writes what a tunnel says and carries to a file that Wireshark, tcpdump and
// `arc4 decrypt` read: pcapng (draft-ietf-opsawg-pcapng), with an interface each for the control
// connection, for GRE and for the packets inside, and with the lines of the log as comments.
//
// It stands at the edges of a tunnel: a Capture gives a net.Conn, a gre.Recorder and a device that
// stand before the real ones, so that a tunnel without a capture has nothing of it on its way. What
// passes is copied into a buffer, which a goroutine writes to the file; when that does not keep up,
// packets are missing in the file, are counted there, and the tunnel does not wait.
package capture
