package gre

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
)

// filter is the socket's packet filter: it accepts PPTP packets (the fixed bits of RFC 2637 section 4.1) and, if
// peer is valid, only its packets, so that other GRE tunnels of the machine never wake this process. It sees
// the datagram from its IP header on.
func filter(peer netip.Addr) []bpf.Instruction {
	const reject, accept = 0, 0x40000
	pptp := []bpf.Instruction{
		bpf.LoadMemShift{Off: 0}, // X = length of the IP header
		bpf.LoadIndirect{Off: 0, Size: 4},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: fixedMask},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: fixedBits, SkipTrue: 1},
		bpf.RetConstant{Val: reject},
		bpf.RetConstant{Val: accept},
	}
	if !peer.Is4() {
		return pptp
	}
	addr := peer.As4()
	return append([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(addr[:]), SkipTrue: 1},
		bpf.RetConstant{Val: reject},
	}, pptp...)
}
