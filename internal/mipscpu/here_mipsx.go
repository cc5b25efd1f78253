//go:build !purego && (mips || mipsle)

package asm

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/mipscpu"
)

// processor reads what Linux says of the processor. What it does not say the
// processor does not have: an instruction that is not there would end the
// program, and to try it would take a signal handler of our own.
func processor() mipscpu.Features {
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	return mipscpu.Of(string(cpuinfo), basePlatform())
}

// basePlatform returns the auxiliary vector's AT_BASE_PLATFORM, such as
// "mips32r2", or nothing if the kernel has not put it there.
func basePlatform() string {
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
