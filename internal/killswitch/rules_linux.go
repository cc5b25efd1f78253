//go:build !nokillswitch

package killswitch

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// admitted are what may leave, each a match.
func (s *Switch) admitted() [][]expr.Any {
	all := [][]expr.Any{
		device(expr.MetaKeyOIFNAME, "lo"),
		meta(expr.MetaKeyMARK, binary.NativeEndian.AppendUint32(nil, s.config.Mark)),
		ports(unix.NFPROTO_IPV4, 68, 67),   // DHCP
		ports(unix.NFPROTO_IPV6, 546, 547), // DHCPv6
	}
	// Router and neighbour solicitations, neighbour advertisements (RFC 4861), and the reports
	// without which a switch does not pass those on (RFC 2710, 3810).
	for _, kind := range []byte{133, 135, 136, 131, 132, 143} {
		all = append(all, icmpv6(kind))
	}
	for _, name := range s.devices {
		// What comes out of the tunnel is for whoever stands behind this machine.
		all = append(all, device(expr.MetaKeyOIFNAME, name), device(expr.MetaKeyIIFNAME, name))
	}
	for _, p := range s.config.Excluded {
		all = append(all, destination(p))
	}
	return all
}

func accept(match []expr.Any) []expr.Any {
	return append(match, &expr.Counter{}, &expr.Verdict{Kind: expr.VerdictAccept})
}

// meta matches what the kernel knows of a packet.
func meta(key expr.MetaKey, value []byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: value}}
}

// device matches the name of an interface, to its last byte.
func device(key expr.MetaKey, name string) []expr.Any {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return meta(key, padded)
}

// payload matches bytes of a header.
func payload(base expr.PayloadBase, offset uint32, value []byte) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: uint32(len(value))},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: value},
	}
}

// ports matches UDP of a family from one port to another.
func ports(family byte, from, to uint16) []expr.Any {
	both := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, from), to)
	match := append(meta(expr.MetaKeyNFPROTO, []byte{family}), meta(expr.MetaKeyL4PROTO, []byte{unix.IPPROTO_UDP})...)
	return append(match, payload(expr.PayloadBaseTransportHeader, 0, both)...)
}

// icmpv6 matches messages of a type.
func icmpv6(kind byte) []expr.Any {
	match := append(meta(expr.MetaKeyNFPROTO, []byte{unix.NFPROTO_IPV6}), meta(expr.MetaKeyL4PROTO, []byte{unix.IPPROTO_ICMPV6})...)
	return append(match, payload(expr.PayloadBaseTransportHeader, 0, []byte{kind})...)
}

// destination matches packets to a network.
func destination(p netip.Prefix) []expr.Any {
	family, offset, length := byte(unix.NFPROTO_IPV4), uint32(16), uint32(net.IPv4len)
	if p.Addr().Is6() {
		family, offset, length = unix.NFPROTO_IPV6, 24, net.IPv6len
	}
	return append(meta(expr.MetaKeyNFPROTO, []byte{family}),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: length, Mask: net.CIDRMask(p.Bits(), int(length)*8), Xor: make([]byte, length)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: p.Addr().AsSlice()})
}
