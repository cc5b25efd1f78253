// Package gre carries PPP frames in the enhanced GRE of PPTP (RFC 2637 section 4).
//
// The header, the acknowledgment policy, the sequence numbers and the send window are pure: bytes and
// time in, bytes out. Conn moves batches of packets over a raw IPPROTO_GRE socket, or over an in-memory
// Pipe that behaves like one.
package gre
