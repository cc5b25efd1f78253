// Package control speaks the control connection of PPTP (RFC 2637 sections 2 and 3): the fifteen
// messages, the framing of the TCP stream, and the state machines of both ends.
//
// The PNS is the end that dials (a VPN client), the PAC the end that answers (a VPN server). Both
// machines are pure: an owner feeds bytes and the time, writes what Output returns, acts on what
// Events returns, and calls Tick at Deadline.
package control
