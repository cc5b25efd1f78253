//go:build linux && (mips || mipsle || mips64 || mips64le)

package usleep

import "unsafe"

//go:linkname runtimeUsleep runtime.usleep
func runtimeUsleep(usec uint32)

// longest is where the code ends at the latest, in instructions.
const longest = 64

// Own is the state of this program's own usleep, by its instructions in memory.
func Own() State {
	if isFaulty(ownCode()) {
		return Faulty
	}
	return Right
}

// ownCode are the instructions of this program's usleep, up to its system call.
func ownCode() []uint32 {
	function := runtimeUsleep
	// A function value points to a closure, whose first word points to the code.
	first := **(**unsafe.Pointer)(unsafe.Pointer(&function))
	var code []uint32
	for n := range longest {
		word := *(*uint32)(unsafe.Add(first, 4*n))
		code = append(code, word)
		if word == systemCall {
			break
		}
	}
	return code
}
