package link

import (
	"sync"
	"time"
)

// inbox takes packets from their senders until Run puts them into the link. A
// sender may lose its processor at any moment, and a lock with it; Run only tries
// this one, so no sender can make it late for what is due.
type inbox struct {
	mu      sync.Mutex
	arrived arrivals
	// waiting is until when Run sleeps; it must be woken for anything earlier.
	waiting time.Time
	// soonest is the least time from a packet's arrival to its release.
	soonest time.Duration
}

// maxInbox is how many packets a sender leaves to Run at most; with more it puts
// them into the link itself.
const maxInbox = 8192

// arrivals are packets with the times they were sent.
type arrivals struct {
	bytes []byte
	list  []arrival
}

type arrival struct {
	at   time.Time
	size int
}

func (a *arrivals) add(at time.Time, p []byte) {
	a.bytes = append(a.bytes, p...)
	a.list = append(a.list, arrival{at, len(p)})
}

// each hands over all packets, in order, and forgets them.
func (a *arrivals) each(take func(at time.Time, p []byte)) {
	at := 0
	for _, p := range a.list {
		take(p.at, a.bytes[at:at+p.size])
		at += p.size
	}
	a.bytes, a.list = a.bytes[:0], a.list[:0]
}

// put takes packets that are sent now. It says whether Run is to be woken for
// them, and whether there are too many to leave them to it.
func (b *inbox) put(packets [][]byte) (wake, full bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for _, p := range packets {
		b.arrived.add(now, p)
	}
	wake = now.Add(b.soonest).Before(b.waiting)
	if wake {
		b.waiting = time.Time{}
	}
	return wake, len(b.arrived.list) >= maxInbox
}

// swap exchanges what has arrived for an empty list.
func (b *inbox) swap(empty *arrivals) {
	b.mu.Lock()
	b.arrived, *empty = *empty, b.arrived
	b.mu.Unlock()
}

// trySwap is swap unless a sender is at it.
func (b *inbox) trySwap(empty *arrivals) bool {
	if !b.mu.TryLock() {
		return false
	}
	b.arrived, *empty = *empty, b.arrived
	b.mu.Unlock()
	return true
}

// sleepUntil notes until when Run is going to sleep. It is false if a packet has
// arrived, or a sender is at it: then Run must look again.
func (b *inbox) sleepUntil(at time.Time) bool {
	if !b.mu.TryLock() {
		return false
	}
	defer b.mu.Unlock()
	if len(b.arrived.list) > 0 {
		return false
	}
	b.waiting = at
	return true
}

// setSoonest follows a change of the link.
func (b *inbox) setSoonest(d time.Duration) {
	b.mu.Lock()
	b.soonest = d
	b.mu.Unlock()
}
