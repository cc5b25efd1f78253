package scale

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used of all processors. It says more than the
// time on the wall where others use the machine too.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil { // never fails for the own process
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
