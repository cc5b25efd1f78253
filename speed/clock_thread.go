//go:build linux || darwin || freebsd

package speed

import (
	"time"

	"golang.org/x/sys/unix"
)

const hasCPUTime = true

// threadCPUTime is the CPU time that the calling thread has used; 0 if the system will not tell.
func threadCPUTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
