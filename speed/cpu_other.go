//go:build !linux

package speed

// readCPUInfo has nothing to read on systems without Linux's /proc/cpuinfo.
func readCPUInfo() string { return "" }
