package arc4

import (
	"math"
	"time"

	"github.com/arc4tun/arc4tun/internal/timing"
)

// MeasuredBytes is the size of the packets that the selection judges by, which
// is usual for stateless MPPE.
const MeasuredBytes = 1400

// effort is how long a workload is measured.
type effort struct {
	fewest, most int           // rounds
	budget       time.Duration // when the last round begins at the latest, after the fewest
}

var (
	// usualEffort finds small differences. A router needs some 100 µs for a packet of a portable
	// backend, a PC 2 µs. With half of this time a busy PC (load 6) chose another than the usual
	// one in 7 of 20 starts, with this in 7 of 40.
	usualEffort = effort{5, 101, 8 * time.Millisecond}
	// rankedEffort is for backends that are ranked: few, and only a clear difference counts. A
	// router needs some 40 µs for a packet of one, so that it is done after 3 ms. Where it is held
	// up in between it goes on, for a few rounds are soon all disturbed.
	rankedEffort = effort{9, 41, 20 * time.Millisecond}
)

const (
	// A backend's turn is long enough for its code and its tables to be at home
	// in the processor for most of it: with turns of one packet the AVX-512
	// backend looked a tenth slower than it is. Where reading the clock is slow
	// (some virtual machines take 30 µs), a turn lasts clockShare readings.
	turnTime   = 30 * time.Microsecond
	clockShare = 20
	maxTurn    = 128 // packets
	usualTime  = 2 * time.Microsecond

	// hopeless is how much longer than the fastest a backend has to take in the fewest rounds to be
	// left out of the others, in percent: no disturbance makes all turns of one so long.
	hopeless = 50

	// maxBatch is how many packets a batch has at most, the same for all backends.
	maxBatch = 24
)

// contender is a backend at its work.
type contender struct {
	work     timing.Work
	shortest time.Duration // of a turn
}

// effort is how long the candidates are measured.
func (c candidates) effort() effort {
	if c.ranked {
		return rankedEffort
	}
	return usualEffort
}

// measure returns the time that each backend takes for a packet of the workload:
// the shortest of all its turns, since whatever disturbs one makes it longer. The
// backends take turns, so that a busy neighbour slows all of them, and every
// packet has a new key, because a branch predictor learns the collisions of an
// old one.
func measure(w Workload, backends []*Backend, e effort, clock func() time.Duration) []Timing {
	keys := timing.NewKeys(uint64(clock()))
	batch := 1
	if w == Packets {
		batch = batchSize(backends)
	}
	all := make([]contender, len(backends))
	for n, b := range backends {
		all[n] = contender{b.newWork(w, MeasuredBytes, batch, keys), time.Hour}
	}
	begin := clock()
	turn := batch * callsPerTurn(warmUp(all, batch, clock), batch, clock)
	slowest := time.Duration(math.MaxInt64)
	for round := 0; round < e.fewest || round < e.most && clock()-begin < e.budget; round++ {
		if round == e.fewest {
			slowest = shortest(all) * (100 + hopeless) / 100
		}
		for n := range all {
			if all[n].shortest <= slowest {
				all[n].shortest = min(all[n].shortest, timeOf(all[n].work, turn, clock))
			}
		}
	}
	list := make([]Timing, len(backends))
	for n, c := range all {
		list[n] = Timing{backends[n], c.shortest / time.Duration(turn)}
	}
	return list
}

// shortest is the shortest turn of any.
func shortest(all []contender) time.Duration {
	d := all[0].shortest
	for _, c := range all {
		d = min(d, c.shortest)
	}
	return d
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
