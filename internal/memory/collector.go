package memory

import (
	"math"
	"runtime/debug"
)

// Collector is what Go's garbage collector is told (runtime/debug). Zero fields leave it as it is.
type Collector struct {
	Percent int   // GOGC
	Limit   int64 // GOMEMLIMIT, bytes
}

const (
	// smallPercent lets the heap grow by half of what lives before it is collected, from 2 MB on.
	// A tunnel that is up makes no garbage, so that costs nothing then.
	smallPercent = 50
	// smallShare of the usable memory is where Go is to collect all the time rather than grow. It
	// is out of reach of what Sizes and SessionBytes allow; leastLimit is, too.
	smallShare = 4
	leastLimit = 10 * MiB
)

// Collector is what suits the plan. lookup is os.LookupEnv: what the user has set there stands.
func (p Plan) Collector(lookup func(string) (string, bool)) Collector {
	var c Collector
	if !p.Small {
		return c
	}
	if v, _ := lookup("GOGC"); v == "" {
		c.Percent = smallPercent
	}
	if v, _ := lookup("GOMEMLIMIT"); v == "" {
		if usable := p.Machine.Usable(); usable > 0 {
			c.Limit = int64(max(leastLimit, usable/smallShare))
		}
	}
	return c
}

// Set tells it.
func (c Collector) Set() {
	if c.Percent != 0 {
		debug.SetGCPercent(c.Percent)
	}
	if c.Limit != 0 {
		debug.SetMemoryLimit(c.Limit)
	}
}

// CollectorLimit is the limit in force, in bytes, wherever it comes from; 0: none.
func CollectorLimit() uint64 {
	n := debug.SetMemoryLimit(-1)
	if n == math.MaxInt64 {
		return 0
	}
	return uint64(n)
}
