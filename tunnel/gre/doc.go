// Package gre carries PPP frames in the enhanced GRE of PPTP (RFC 2637 section 4).
//
// The header, the acknowledgment policy and the sequence numbers are pure: bytes and time in, bytes
// out. There is no send window (sections 4.2 and 4.4): the rate would be at most a window a round
// trip, most peers offer windows of 3 to 64 packets, and TCP inside the tunnel controls its flow by
// itself. Conn moves batches of packets over a raw IPPROTO_GRE socket, or over an in-memory Pipe
// that behaves like one.
package gre
