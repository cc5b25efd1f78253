package link

import (
	"sync"
	"time"
)

// inbox takes packets from their senders until Run puts them into the link. A
// sender may lose its processor at any moment, and a lock with it; Run only tries
// this one, so no sender can make it late for what is due.
//
// All memory for packets is asked for here, in the sender's time: new memory costs
// the system some microseconds a page, and Run has none to spare.
type inbox struct {
	mu    sync.Mutex
	full  []*parcel // in order of arrival, the last one perhaps not full yet
	empty []*parcel
	// waiting is until when Run sleeps; it must be woken for anything earlier.
	waiting time.Time
	// soonest is the least time from a packet's arrival to its release.
	soonest time.Duration
	refused [accounts]uint64
}

// parcel is some packets with the times they were sent. Its buffers are used again.
type parcel struct {
	count    int
	arrivals [parcelSize]arrival
}

type arrival struct {
	at time.Time
	p  []byte
}

const (
	parcelSize = 128
	// maxParcels is what waits for Run at most, some 23 MB of large packets. It is
	// reached when Run has been kept from its processor for long; a sender that did
	// its work then would keep a lock from it too.
	maxParcels = 128
)

// put takes packets that are sent now, and refuses what there is no room for. It
// reports whether Run is to be woken for them.
func (b *inbox) put(packets [][]byte, accountOf func([]byte) account) (wake bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for _, p := range packets {
		to := b.open()
		if to == nil {
			b.refused[accountOf(p)]++
			continue
		}
		a := &to.arrivals[to.count]
		a.at, a.p = now, append(a.p[:0], p...)
		to.count++
	}
	wake = now.Add(b.soonest).Before(b.waiting)
	if wake {
		b.waiting = time.Time{}
	}
	return wake
}

// open gives the parcel that the next packet goes into, nil if all are full.
func (b *inbox) open() *parcel {
	if n := len(b.full); n > 0 && b.full[n-1].count < parcelSize {
		return b.full[n-1]
	}
	if len(b.full) == maxParcels {
		return nil
	}
	var p *parcel
	if n := len(b.empty); n > 0 {
		p, b.empty = b.empty[n-1], b.empty[:n-1]
	} else {
		p = &parcel{}
	}
	b.full = append(b.full, p)
	return p
}

// take gives the first parcel, nil if there is none.
func (b *inbox) take() *parcel {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.first()
}

func (b *inbox) first() *parcel {
	if len(b.full) == 0 {
		return nil
	}
	first := b.full[0]
	b.full = append(b.full[:0], b.full[1:]...)
	return first
}

// giveBack takes an emptied parcel back.
func (b *inbox) giveBack(p *parcel) {
	b.mu.Lock()
	b.empty = append(b.empty, p)
	b.mu.Unlock()
}

// tryExchange is giveBack and take in one, unless a sender is at it; back may be nil.
func (b *inbox) tryExchange(back *parcel) (first *parcel, ok bool) {
	if !b.mu.TryLock() {
		return nil, false
	}
	defer b.mu.Unlock()
	if back != nil {
		b.empty = append(b.empty, back)
	}
	return b.first(), true
}

// sleepUntil notes until when Run is going to sleep. It is false if a packet has
// arrived, or a sender is at it: then Run must look again.
func (b *inbox) sleepUntil(at time.Time) bool {
	if !b.mu.TryLock() {
		return false
	}
	defer b.mu.Unlock()
	if len(b.full) > 0 {
		return false
	}
	b.waiting = at
	return true
}

// refusals gives the accounts of what was refused.
func (b *inbox) refusals() (stats [accounts]Stats) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, n := range b.refused {
		stats[i] = Stats{Sent: n, Overflowed: n}
	}
	return stats
}

// setSoonest follows a change of the link.
func (b *inbox) setSoonest(d time.Duration) {
	b.mu.Lock()
	b.soonest = d
	b.mu.Unlock()
}
