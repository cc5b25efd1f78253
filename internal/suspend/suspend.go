// Package suspend tells when this machine has been suspended: no program runs then, and timers
// stand still with CLOCK_MONOTONIC, while CLOCK_BOOTTIME goes on (clock_gettime(2)).
package suspend

import "time"

// least is the shortest time asleep that is told: two clocks are never read at once.
const least = time.Second

// Detector tells what was new about the time asleep since the last look.
type Detector struct {
	total func() time.Duration
	known time.Duration
}

// NewDetector begins to watch. total is how long the machine has been suspended since it was
// started, which never falls; System is that.
func NewDetector(total func() time.Duration) *Detector { return &Detector{total, total()} }

// Look gives how long the machine has been suspended since the last look that told of it; 0: it has
// not.
func (d *Detector) Look() time.Duration {
	total := d.total()
	slept := total - d.known
	if slept < least {
		return 0
	}
	d.known = total
	return slept
}

// every is the time between two looks of Watch.
const every = 2 * time.Second

// Watch looks until done is closed, and sends every time asleep to woken, which has room for one:
// who does not read it hears of the last alone.
func (d *Detector) Watch(done <-chan struct{}, woken chan time.Duration) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticks.C:
		}
		slept := d.Look()
		if slept == 0 {
			continue
		}
		select {
		case <-woken:
		default:
		}
		woken <- slept // the only sender
	}
}
