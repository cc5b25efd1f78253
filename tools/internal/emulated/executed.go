package emulated

import (
	"bytes"
	"strconv"
)

// Executed takes a line of qemu's log (-d exec) apart:
//
//	Trace 0: 0x7f023ce000c0 [00000000/000c3bd4/000000a2/00000201] name
//
// It gives the number of the emulated processor, which is one a thread, and the address of the
// instruction. ok is false for any other line.
func Executed(line []byte) (thread int, pc uint64, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("Trace "))
	if !ok {
		return 0, 0, false
	}
	number, rest, ok := bytes.Cut(rest, []byte(":"))
	if !ok {
		return 0, 0, false
	}
	thread, err := strconv.Atoi(string(number))
	if err != nil {
		return 0, 0, false
	}
	_, rest, ok = bytes.Cut(rest, []byte("/"))
	if !ok {
		return 0, 0, false
	}
	address, _, ok := bytes.Cut(rest, []byte("/"))
	if !ok {
		return 0, 0, false
	}
	pc, err = strconv.ParseUint(string(address), 16, 64)
	return thread, pc, err == nil
}
