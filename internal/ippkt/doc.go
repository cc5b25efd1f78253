// Package ippkt reads the headers of IP packets: IPv4 (RFC 791), IPv6 (RFC 8200) and their
// checksums (RFC 1071).
//
// A packet stays the slice that it is: nothing here copies or allocates. [Version] says whether
// there is a header to read at all; after that [IPv4] and [IPv6] are views of the packet, whose
// methods read one field each. What a header says of lengths is no fact before Lengths has held it
// against the packet.
package ippkt
