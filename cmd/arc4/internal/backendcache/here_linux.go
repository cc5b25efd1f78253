package backendcache

import (
	"os"

	"golang.org/x/sys/unix"
)

// processor is the identity of this machine's processors.
func processor() (string, error) {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", err
	}
	return processorOf(string(text))
}

// kernelArchitecture is what uname -m says: a 64-bit kernel can run a 32-bit program.
func kernelArchitecture() (string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", err
	}
	return unix.ByteSliceToString(name.Machine[:]), nil
}
