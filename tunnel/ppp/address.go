package ppp

import "net/netip"

// usableAddr reports whether one end of a tunnel can have the IPv4 address: it must
// be one host's, and reachable through a link.
func usableAddr(a netip.Addr) bool {
	return a.Is4() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() &&
		a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// addrValue reads the value of an option that holds an IPv4 address.
func addrValue(o option) (netip.Addr, bool) {
	if len(o.value) != 4 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(o.value)), true
}

// LinkLocal is the address an interface identifier stands for (RFC 5072 section 5).
func LinkLocal(id [8]byte) netip.Addr {
	a := [16]byte{0: 0xFE, 1: 0x80}
	copy(a[8:], id[:])
	return netip.AddrFrom16(a)
}
