package session

import (
	"encoding/binary"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// Families of IP, as indices.
const (
	isIPv4 = iota
	isIPv6
)

// familyOf is the family of a PPP protocol.
func familyOf(protocol uint16) int {
	if protocol == ppp.ProtoIPv6 {
		return isIPv6
	}
	return isIPv4
}

// familyIn is the family of the IP packet in a PPP payload, which begins with the protocol in one
// byte or two.
func familyIn(payload []byte) int {
	switch {
	case len(payload) < 2:
		return isIPv4
	case payload[0]&1 != 0:
		return familyOf(uint16(payload[0]))
	}
	return familyOf(binary.BigEndian.Uint16(payload))
}
