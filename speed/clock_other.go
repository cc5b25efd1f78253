//go:build !(linux || darwin || freebsd)

package speed

import "time"

const hasCPUTime = false

func threadCPUTime() time.Duration { return 0 }
