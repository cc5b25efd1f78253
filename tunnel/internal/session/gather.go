package session

import "github.com/arc4tun/arc4tun/tunnel/netdev"

// gatherer finds out whether a device that gave few packets has more. A read gives one packet,
// unless the kernel joined some; sent one by one, small packets in great number each cost a system
// call and are encrypted alone. It never waits for packets, and where there are hardly ever more it
// hardly ever asks, since asking is a system call too.
type gatherer struct {
	device interface{ Waiting() bool } // nil: cannot be asked
	misses int                         // answers in a row that there is nothing, at most maxMisses
	skip   int                         // how often not to ask
}

const (
	// maxGather is the number of packets that need no others; the gain is flat from there on.
	maxGather = 32
	maxMisses = 16
)

func newGatherer(dev netdev.Device) gatherer {
	device, _ := dev.(interface{ Waiting() bool })
	return gatherer{device: device}
}

// waiting reports whether another read would give something at once.
func (g *gatherer) waiting() bool {
	if g.device == nil {
		return false
	}
	if g.skip > 0 {
		g.skip--
		return false
	}
	if g.device.Waiting() {
		g.misses = 0
		return true
	}
	g.misses = min(g.misses+1, maxMisses)
	g.skip = g.misses - 1
	return false
}
