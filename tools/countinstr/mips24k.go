package main

// The 24K is MIPS's usual core for routers: in order, one instruction a cycle,
// with its address stage before its arithmetic stage. With all data in the
// cache an instruction waits only for its operands. When it may use them,
// counted in cycles from the instruction that makes them ("MIPS32 24K Processor
// Core Family Software User's Manual", and GCC's description of the pipeline):
//
//	made by a load        2, as the base of a load or store 3
//	made by arithmetic    1, as the base of a load or store 2
//	made by the DSP unit  2, as the base of a load or store 3
//	made by mul           5, as the base of a load or store 6
type core24K struct {
	now   int
	ready [32]int // the cycle from which arithmetic can use a register; addresses, one later
}

// new24K makes a core with nothing in its pipeline.
func new24K() func(instruction uint32) int {
	c := new(core24K)
	for n := range c.ready {
		c.ready[n] = -1
	}
	return c.issue
}

const noRegister = 0 // r0 is never waited for

// mips is what the pipeline has to know of an instruction.
type mips struct {
	address [2]uint32 // registers of the address, if it loads or stores
	uses    [2]uint32 // registers it reads otherwise
	makes   uint32    // register it writes
	latency int
}

// issue issues an instruction and gives the cycles it waited.
func (c *core24K) issue(instruction uint32) int {
	in := decodeMIPS(instruction)
	start := c.now
	for _, r := range in.address {
		if r != noRegister {
			start = max(start, c.ready[r]+1)
		}
	}
	for _, r := range in.uses {
		if r != noRegister {
			start = max(start, c.ready[r])
		}
	}
	waited := start - c.now
	c.now = start + 1
	if in.makes != noRegister {
		c.ready[in.makes] = start + in.latency
	}
	return waited
}

// decodeMIPS takes the integer instructions of MIPS32 apart (MIPS Architecture
// For Programmers, volume II); one that it does not know reads and makes
// nothing.
func decodeMIPS(w uint32) mips {
	op, rs, rt, rd := w>>26, w>>21&31, w>>16&31, w>>11&31
	switch {
	case op == 0x00: // SPECIAL
		return decodeSpecial(w)
	case op == 0x01, op == 0x06, op == 0x07: // branches on one register
		return mips{uses: [2]uint32{rs}}
	case op == 0x02: // j
		return mips{}
	case op == 0x03: // jal
		return mips{makes: 31, latency: 1}
	case op == 0x04, op == 0x05: // beq, bne
		return mips{uses: [2]uint32{rs, rt}}
	case op >= 0x08 && op <= 0x0f: // arithmetic with a constant
		return mips{uses: [2]uint32{rs}, makes: rt, latency: 1}
	case op == 0x1c: // SPECIAL2
		if w&0x3f == 0x02 { // mul
			return mips{uses: [2]uint32{rs, rt}, makes: rd, latency: 5}
		}
		return mips{uses: [2]uint32{rs, rt}, makes: rd, latency: 1}
	case op == 0x1f: // SPECIAL3
		return decodeSpecial3(w)
	case op == 0x22, op == 0x26: // lwl, lwr: they keep a part of the register
		return mips{address: [2]uint32{rs}, uses: [2]uint32{rt}, makes: rt, latency: 2}
	case op >= 0x20 && op <= 0x25: // other loads
		return mips{address: [2]uint32{rs}, makes: rt, latency: 2}
	case op >= 0x28 && op <= 0x2e: // stores
		return mips{address: [2]uint32{rs}, uses: [2]uint32{rt}}
	}
	return mips{}
}

func decodeSpecial(w uint32) mips {
	rs, rt, rd := w>>21&31, w>>16&31, w>>11&31
	switch f := w & 0x3f; {
	case f <= 0x03: // shifts by a constant
		return mips{uses: [2]uint32{rt}, makes: rd, latency: 1}
	case f == 0x10, f == 0x12: // mfhi, mflo
		return mips{makes: rd, latency: 5}
	case f == 0x08, f >= 0x18 && f <= 0x1b: // jr, mult, div: to hi and lo only
		return mips{uses: [2]uint32{rs, rt}}
	}
	return mips{uses: [2]uint32{rs, rt}, makes: rd, latency: 1}
}

func decodeSpecial3(w uint32) mips {
	rs, rt, rd := w>>21&31, w>>16&31, w>>11&31
	switch w & 0x3f {
	case 0x00: // ext
		return mips{uses: [2]uint32{rs}, makes: rt, latency: 1}
	case 0x04: // ins: it keeps a part of the register
		return mips{uses: [2]uint32{rs, rt}, makes: rt, latency: 1}
	case 0x0a: // lbux, lwx, lhx
		return mips{address: [2]uint32{rs, rt}, makes: rd, latency: 2}
	case 0x20: // seb, seh, wsbh
		return mips{uses: [2]uint32{rt}, makes: rd, latency: 1}
	case 0x10: // addu.qb and its kind
		return mips{uses: [2]uint32{rs, rt}, makes: rd, latency: 2}
	}
	return mips{uses: [2]uint32{rs, rt}, makes: rd, latency: 1}
}
