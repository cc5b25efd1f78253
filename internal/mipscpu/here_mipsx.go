//go:build mips || mipsle

package mipscpu

import (
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Here returns what Linux says of the processor that this program runs on. What it does not say the
// processor does not have: an instruction that is not there would end the program, and to try it
// would take a signal handler of our own.
func Here() Features { return here() }

var here = sync.OnceValue(func() Features {
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	return Of(string(cpuinfo), BasePlatform())
})

// BasePlatform returns the auxiliary vector's AT_BASE_PLATFORM, such as "mips32r2", or nothing if
// the kernel has not put it there.
func BasePlatform() string {
	const (
		atBasePlatform = 24
		longest        = 16
	)
	vector, err := unix.Auxv()
	if err != nil {
		return ""
	}
	for _, entry := range vector {
		if entry[0] != atBasePlatform || entry[1] == 0 {
			continue
		}
		// A string on the stack that the program was started with, which stays.
		at := *(**[longest]byte)(unsafe.Pointer(&entry[1]))
		for n, b := range at {
			if b == 0 {
				return string(at[:n])
			}
		}
	}
	return ""
}
