package gre

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
)

// The instructions of a filter, as Linux numbers them: X is a register, A
// the other. package bpf would write them from types whose methods weigh 23 KB of a router's file.
const (
	loadWord     = 0x20 // A = the 32 bits at K
	loadWordAtX  = 0x40 // A = the 32 bits at X+K
	loadHalfAtX  = 0x48 // A = the 16 bits at X+K
	loadLength   = 0x80 // A = the length of the datagram
	loadIPHeader = 0xb1 // X = the length of the IP header at K
	subtractX    = 0x1c // A -= X
	andBits      = 0x54 // A &= K
	modulo       = 0x94 // A %= K
	jumpEqual    = 0x15 // if A == K, Jt instructions are skipped, else Jf
	jumpAtLeast  = 0x35 // if A >= K
	accept       = 0x06 // the first K bytes are taken: none is a refusal
)

// most is more bytes than a datagram has.
const most = 0x40000

// maxFilterCalls is how many call IDs a filter compares, one after another, for each packet.
const maxFilterCalls = 16

// filter is the socket's packet filter: it accepts PPTP packets (the fixed bits of RFC 2637 section
// 4.1) and, if peer is valid, only its packets, of those only its share, and if there are calls,
// only those with one of these call IDs. So other tunnels of the machine, to the same peer among
// them, never wake this process. It sees the datagram from its IP header on.
func filter(peer netip.Addr, part share, calls ...uint16) []bpf.RawInstruction {
	reject := bpf.RawInstruction{Op: accept}
	var program []bpf.RawInstruction
	if peer.Is4() {
		addr := peer.As4()
		program = append(program,
			bpf.RawInstruction{Op: loadWord, K: 12},
			bpf.RawInstruction{Op: jumpEqual, K: binary.BigEndian.Uint32(addr[:]), Jt: 1},
			reject)
	}
	program = append(program,
		bpf.RawInstruction{Op: loadIPHeader},
		bpf.RawInstruction{Op: loadWordAtX},
		bpf.RawInstruction{Op: andBits, K: fixedMask},
		bpf.RawInstruction{Op: jumpEqual, K: fixedBits, Jt: 1},
		reject)
	if part.of > 1 {
		program = append(program, part.filter()...)
	}
	if len(calls) > 0 {
		program = append(program, bpf.RawInstruction{Op: loadHalfAtX, K: callIDAt})
		for i, id := range calls {
			program = append(program, bpf.RawInstruction{Op: jumpEqual, K: uint32(id), Jt: uint8(len(calls) - i)})
		}
		program = append(program, reject)
	}
	return append(program, bpf.RawInstruction{Op: accept, K: most})
}

// share is the part of all packets that one of several sockets on an address hears.
type share struct{ index, of int }

// filter goes on if a packet is of the share: its call ID says so, or it is too short to have one
// and somebody must count it. X is the length of the IP header.
func (s share) filter() []bpf.RawInstruction {
	short := bpf.RawInstruction{Op: accept}
	if s.index == 0 {
		short.K = most
	}
	return []bpf.RawInstruction{
		{Op: loadLength},
		{Op: subtractX},
		{Op: jumpAtLeast, K: callIDAt + 2, Jt: 1},
		short,
		{Op: loadHalfAtX, K: callIDAt},
		{Op: modulo, K: uint32(s.of)},
		{Op: jumpEqual, K: uint32(s.index), Jt: 1},
		{Op: accept},
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
