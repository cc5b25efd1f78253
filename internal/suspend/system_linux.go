package suspend

import (
	"time"

	"golang.org/x/sys/unix"
)

// System is how long this machine has been suspended since it was started; it may seem to shrink by
// moments.
func System() time.Duration {
	for {
		before, boot, after := clock(unix.CLOCK_MONOTONIC), clock(unix.CLOCK_BOOTTIME), clock(unix.CLOCK_MONOTONIC)
		if after-before < least/2 { // else this thread was away in between
			return boot - after
		}
	}
}

// clock reads one; both are there since Linux 2.6.39.
func clock(id int32) time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(id, &t)
	return time.Duration(t.Nano())
}
