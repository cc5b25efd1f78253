package memory

import (
	"bytes"
	"math"
	"strconv"
)

// parseMeminfo reads /proc/meminfo (proc_meminfo(5)): MemTotal and MemAvailable in bytes, 0 where
// there is none. Kernels before 3.14 have no MemAvailable; what is free and what is cached stand
// for it.
func parseMeminfo(text []byte) (total, available uint64) {
	var free, cached uint64
	found := false
	for line := range bytes.Lines(text) {
		name, rest, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		n := kilobytes(rest)
		switch string(name) {
		case "MemTotal":
			total = n
		case "MemAvailable":
			available, found = n, true
		case "MemFree":
			free = n
		case "Cached":
			cached = n
		}
	}
	if !found {
		available = min(sum(free, cached), total)
	}
	return total, available
}

// parseStatus reads VmRSS and VmHWM, in bytes, from /proc/PID/status (proc_pid_status(5)).
func parseStatus(text []byte) (resident, peak uint64) {
	for line := range bytes.Lines(text) {
		switch name, rest, _ := bytes.Cut(line, []byte(":")); string(name) {
		case "VmRSS":
			resident = kilobytes(rest)
		case "VmHWM":
			peak = kilobytes(rest)
		}
	}
	return resident, peak
}

// kilobytes reads "  1234 kB" as bytes; what is malformed, or too large to be true, is 0.
func kilobytes(text []byte) uint64 {
	fields := bytes.Fields(text)
	if len(fields) != 2 || string(fields[1]) != "kB" {
		return 0
	}
	n, err := strconv.ParseUint(string(fields[0]), 10, 64)
	if err != nil || n > math.MaxUint64>>10 {
		return 0
	}
	return n << 10
}

// sum adds, and stays at the largest number.
func sum(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}
