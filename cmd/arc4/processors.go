package main

import (
	"os"
	"runtime"
)

// spareProcessors is how many goroutines may run at once beyond the machine's processors while a
// tunnel is up.
const spareProcessors = 2

// spareProcessorsForTunnel keeps Go's scheduler from handing a packet path to another thread. Both
// paths spend much of their time in system calls that take longer than 20 µs, after which Go gives
// their processor away, at the cost of a futex call each way, unless an idle one is left for
// whoever else may want it. GOMAXPROCS in the environment comes first.
func spareProcessorsForTunnel() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareProcessors)
	}
}
