package arc4

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Environment is the environment variable that names the backend to select
// instead of the fastest.
const Environment = "ARC4_BACKEND"

const (
	// The work to judge by: a stateless MPPE packet of a usual size.
	measuredKey    = 16
	measuredPacket = 1400

	// A router needs some 80 µs for a round of one backend, a PC 3 µs. Eleven
	// rounds make a median that one interruption does not move.
	minRounds     = 11
	maxRounds     = 101
	measureBudget = 3 * time.Millisecond

	// Where reading the clock is slow (some virtual machines take 30 µs), it is read once for many packets.
	clockShare = 20  // a turn lasts this many clock readings
	maxTurn    = 128 // packets
	usualTime  = 2 * time.Microsecond
)

type selection struct {
	backend *Backend
	why     string
	err     error
}

// selected runs the selection when it is first needed, so that a program which
// names its backend does not pay for it.
var selected = sync.OnceValue(selectNow)

func selectNow() selection {
	start := time.Now()
	return choose(known, os.Getenv(Environment), func() time.Duration { return time.Since(start) })
}

// Selected returns the backend that [New] uses and why it is that one: because
// the environment variable ARC4_BACKEND says so, or because it was the fastest
// of those that passed their self-test. The choice is made once, on first use,
// and takes a few milliseconds. If ARC4_BACKEND names no usable backend,
// Selected returns nil and what is wrong, which is also the error of [New].
func Selected() (b *Backend, why string) {
	s := selected()
	if s.err != nil {
		return nil, s.err.Error()
	}
	return s.backend, s.why
}

// choose selects from known: the backend called name, or the fastest if name is
// "" or "auto". clock is a running clock.
func choose(known []*Backend, name string, clock func() time.Duration) selection {
	if name != "" && name != "auto" {
		b, err := lookup(known, name)
		if err != nil {
			return selection{err: fmt.Errorf("%s=%s: %w", Environment, name, err)}
		}
		return selection{backend: b, why: Environment}
	}
	var sound []*Backend
	var failed []string
	for _, b := range known {
		if b.missing != "" {
			continue
		}
		if err := b.SelfTest(); err != nil {
			failed = append(failed, fmt.Sprintf("; %s failed: %v", b.name, err))
			continue
		}
		sound = append(sound, b)
	}
	if len(sound) == 0 {
		return selection{err: fmt.Errorf("arc4: no usable backend%s", strings.Join(failed, ""))}
	}
	times := measure(sound, clock)
	order := make([]int, len(sound))
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(times[a] - times[b]) })
	var list []string
	for _, n := range order {
		list = append(list, fmt.Sprintf("%s %.1f us", sound[n].name, float64(times[n])/float64(time.Microsecond)))
	}
	why := fmt.Sprintf("fastest of %d on key set-up + %d bytes: %s%s",
		len(sound), measuredPacket, strings.Join(list, ", "), strings.Join(failed, ""))
	return selection{backend: sound[order[0]], why: why}
}

// measure returns the median time each backend takes for a key set-up and a
// packet. The backends take turns, so that a busy neighbour slows all of them,
// and every packet has a new key, because a branch predictor learns the
// collisions of an old one. A turn is one packet, or many where the clock itself
// would take most of the time.
func measure(backends []*Backend, clock func() time.Duration) []time.Duration {
	streams := make([]stream, len(backends))
	times := make([][]time.Duration, len(backends))
	for n, b := range backends {
		streams[n] = b.newStream()
	}
	var key [measuredKey]byte
	packet := make([]byte, measuredPacket)
	random := uint64(1)
	turn := packetsPerTurn(clock)
	begin := clock()
	for round := -1; round < minRounds || round < maxRounds && clock()-begin < measureBudget; round++ {
		for n, s := range streams {
			start := clock()
			for range turn {
				for k := range key {
					random = random*6364136223846793005 + 1442695040888963407
					key[k] = byte(random >> 56)
				}
				s.SetKey(key[:])
				s.XORKeyStream(packet, packet)
			}
			if took := clock() - start; round >= 0 { // the first only warms up
				times[n] = append(times[n], took/time.Duration(turn))
			}
		}
	}
	medians := make([]time.Duration, len(backends))
	for n, t := range times {
		slices.Sort(t)
		medians[n] = t[len(t)/2]
	}
	return medians
}

// packetsPerTurn is how many packets make reading the clock cheap beside them.
func packetsPerTurn(clock func() time.Duration) int {
	cost := time.Hour
	for range 3 {
		start := clock()
		cost = min(cost, clock()-start)
	}
	return int(min(max(1, cost*clockShare/usualTime), maxTurn))
}
