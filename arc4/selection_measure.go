package arc4

import (
	"slices"
	"time"

	"github.com/arc4tun/arc4tun/internal/timing"
)

// MeasuredBytes is the size of the packets that the selection judges by, which
// is usual for stateless MPPE.
const MeasuredBytes = 1400

const (
	// measureBudget is when the last round of a workload begins at the latest,
	// unless there were fewer than minRounds: three of them make a median that
	// one interruption does not move. A router needs some 80 µs for a packet of
	// one backend, a PC 2 µs.
	measureBudget = 8 * time.Millisecond
	minRounds     = 3
	maxRounds     = 101

	// A backend's turn is long enough for its code and its tables to be at home
	// in the processor for most of it: with turns of one packet the AVX-512
	// backend looked a tenth slower than it is. Where reading the clock is slow
	// (some virtual machines take 30 µs), a turn lasts clockShare readings.
	turnTime   = 30 * time.Microsecond
	clockShare = 20
	maxTurn    = 128 // packets
	usualTime  = 2 * time.Microsecond

	// maxBatch is how many packets a batch has at most, the same for all backends.
	maxBatch = 24
)

// contender is a backend at its work.
type contender struct {
	work  timing.Work
	times []time.Duration
}

// measure returns the median time that each backend takes for a packet of the
// workload. The backends take turns, so that a busy neighbour slows all of them,
// and every packet has a new key, because a branch predictor learns the
// collisions of an old one.
func measure(w Workload, backends []*Backend, clock func() time.Duration) []Timing {
	keys := timing.NewKeys(uint64(clock()))
	batch := 1
	if w == Packets {
		batch = batchSize(backends)
	}
	all := make([]contender, len(backends))
	for n, b := range backends {
		all[n].work = b.newWork(w, MeasuredBytes, batch, keys)
	}
	begin := clock()
	turn := batch * callsPerTurn(warmUp(all, batch, clock), batch, clock)
	for round := 0; round < minRounds || round < maxRounds && clock()-begin < measureBudget; round++ {
		for n := range all {
			all[n].times = append(all[n].times, timeOf(all[n].work, turn, clock))
		}
	}
	list := make([]Timing, len(backends))
	for n, c := range all {
		slices.Sort(c.times)
		list[n] = Timing{backends[n], c.times[len(c.times)/2] / time.Duration(turn)}
	}
	return list
}

// batchSize is enough packets for the lanes of every backend to be in use most
// of the time.
func batchSize(backends []*Backend) int {
	widest := 1
	for _, b := range backends {
		widest = max(widest, b.Streams())
	}
	return min(2*widest, maxBatch)
}

// warmUp has each contender do that many packets and gives the shortest time.
func warmUp(all []contender, packets int, clock func() time.Duration) time.Duration {
	shortest := time.Hour
	for _, c := range all {
		shortest = min(shortest, timeOf(c.work, packets, clock))
	}
	return shortest
}

func timeOf(work timing.Work, packets int, clock func() time.Duration) time.Duration {
	start := clock()
	work(packets)
	return clock() - start
}

// callsPerTurn is how many calls a turn has, if the fastest backend takes so
// long for one of so many packets.
func callsPerTurn(fastest time.Duration, batch int, clock func() time.Duration) int {
	cost := time.Hour
	for range 3 {
		cost = min(cost, timeOf(func(n int) int { return n }, 1, clock))
	}
	call := max(fastest-cost, time.Duration(batch)*usualTime/4)
	calls := (max(turnTime, cost*clockShare) + call - 1) / call
	return int(min(calls, time.Duration(maxTurn/batch)))
}
