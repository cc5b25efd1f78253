// Package decrypt follows the PPTP calls in a capture, and gives the packets inside in clear to who
// has the users' passwords.
//
// It is pure: IP packets with their times in, IP packets out, no clock, no sockets, no files. What
// it keeps is bounded, whatever a capture holds. It believes nothing that does not decrypt, as the
// receiver of a tunnel does (package mppe), so a forged or damaged packet costs itself alone.
//
// The way of a packet: Follower puts fragments together (fragments.go); TCP of port 1723 is put in
// order (stream.go), and its messages say which calls there are (controlconn.go); GRE goes to the
// flow of its addresses and call ID (flow.go), where logins (login.go) and the negotiation of
// encryption are heard, and the rest is decrypted (encryption.go). Two flows make a call
// (calls.go).
package decrypt
