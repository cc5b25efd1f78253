package gre

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
)

// maxFilterCalls is how many call IDs a filter compares, one after another, for each packet.
const maxFilterCalls = 16

// filter is the socket's packet filter: it accepts PPTP packets (the fixed bits of RFC 2637 section
// 4.1) and, if peer is valid, only its packets, of those only its share, and if there are calls,
// only those with one of these call IDs. So other tunnels of the machine, to the same peer among
// them, never wake this process. It sees the datagram from its IP header on.
func filter(peer netip.Addr, part share, calls ...uint16) []bpf.Instruction {
	const reject, accept = 0, 0x40000
	var program []bpf.Instruction
	if peer.Is4() {
		addr := peer.As4()
		program = append(program,
			bpf.LoadAbsolute{Off: 12, Size: 4},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(addr[:]), SkipTrue: 1},
			bpf.RetConstant{Val: reject})
	}
	program = append(program,
		bpf.LoadMemShift{Off: 0}, // X = length of the IP header
		bpf.LoadIndirect{Off: 0, Size: 4},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: fixedMask},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: fixedBits, SkipTrue: 1},
		bpf.RetConstant{Val: reject})
	if part.of > 1 {
		program = append(program, part.filter(reject, accept)...)
	}
	if len(calls) > 0 {
		program = append(program, bpf.LoadIndirect{Off: callIDAt, Size: 2})
		for i, id := range calls {
			program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(id), SkipTrue: uint8(len(calls) - i)})
		}
		program = append(program, bpf.RetConstant{Val: reject})
	}
	return append(program, bpf.RetConstant{Val: accept})
}

// share is the part of all packets that one of several sockets on an address hears.
type share struct{ index, of int }

// filter goes on if a packet is of the share: its call ID says so, or it is too short to have one
// and somebody must count it. X is the length of the IP header.
func (s share) filter(reject, accept uint32) []bpf.Instruction {
	short := reject
	if s.index == 0 {
		short = accept
	}
	return []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtLen},
		bpf.ALUOpX{Op: bpf.ALUOpSub},
		bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: callIDAt + 2, SkipTrue: 1},
		bpf.RetConstant{Val: short},
		bpf.LoadIndirect{Off: callIDAt, Size: 2},
		bpf.ALUOpConstant{Op: bpf.ALUOpMod, Val: uint32(s.of)},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(s.index), SkipTrue: 1},
		bpf.RetConstant{Val: reject},
	}
}

// AcceptCalls has the system drop what comes to c with any other call ID than these; without IDs,
// or with more of them than a filter compares, it drops none. A Conn that has no filter stays as it
// is: who reads it must look at call IDs in any case.
func AcceptCalls(c Conn, ids ...uint16) error {
	if len(ids) > maxFilterCalls {
		ids = nil
	}
	if f, ok := c.(interface{ acceptCalls([]uint16) error }); ok {
		return f.acceptCalls(ids)
	}
	return nil
}
