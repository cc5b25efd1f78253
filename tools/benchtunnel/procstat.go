package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// cpuTicks is the time of all processors together, in units of 10 ms (proc(5), USER_HZ): what work
// took, with and without that of a low priority, which is somebody else's.
type cpuTicks struct{ busy, nice, all uint64 }

const ticksPerSecond = 100

// parseCPUTicks reads the first line of /proc/stat: user nice system idle iowait irq softirq
// steal ...
func parseCPUTicks(r io.Reader) (cpuTicks, error) {
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return cpuTicks{}, fmt.Errorf("/proc/stat: %w", err)
	}
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return cpuTicks{}, fmt.Errorf("/proc/stat: %q is not the sum of all processors", strings.TrimSpace(line))
	}
	var t cpuTicks
	for i, f := range fields[1:9] {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return cpuTicks{}, fmt.Errorf("/proc/stat: %w", err)
		}
		t.all += n
		// What a hypervisor gave to others (steal) is not ours, nor is idle time.
		switch i {
		case 3, 4, 7:
		case 1:
			t.nice += n
		default:
			t.busy += n
		}
	}
	return t, nil
}
