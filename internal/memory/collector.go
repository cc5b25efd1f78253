package memory

import (
	"math"
	"runtime/debug"
	"time"
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

const (
	// startPercent puts the first collection off until the heap has 32 MB, which no client reaches
	// while it comes up. Three of them fell into that otherwise: of some milliseconds each, and of
	// some 100 on a machine where page faults and threads are dear.
	startPercent = 800
	// startTime is for how long.
	startTime = 10 * time.Second
)

// PutOff has the collector leave a program alone that starts, for as long as a client needs to come
// up. It does nothing where memory is little, or where the user has set GOGC.
func (p Plan) PutOff(lookup func(string) (string, bool)) {
	if v, _ := lookup("GOGC"); p.Small || v != "" {
		return
	}
	usual := debug.SetGCPercent(startPercent)
	time.AfterFunc(startTime, func() { debug.SetGCPercent(usual) })
}

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
