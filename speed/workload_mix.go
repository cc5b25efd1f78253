package speed

import (
	"slices"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/timing"
)

// The lengths of the workload [Mix], in bytes, and how many of every 64 packets have them. Most
// packets on the Internet are as short as an acknowledgment or as long as fits, with few between
// (Sinha, Papadopoulos and Heidemann, "Internet Packet Size Distributions: Some Observations",
// ISI-TR-2007-643).
var mixShares = []struct{ length, share int }{
	{40, 18},           // TCP acknowledgments
	{52, 12},           // the same with time stamps
	{576, 4},           // the least that every host takes
	{mixLongest, 20},   // what fits into a tunnel
	{mixAnyLength, 10}, // anything between, each length as likely as another
}

const (
	mixAnyLength = 0
	mixShortest  = 40
	mixLongest   = 1400

	// mixMean is the mean length, exactly: for every length between there is one that is as far
	// from the other end.
	mixMean = 607

	// mixCount is how many lengths are drawn before they come round again. One call takes 64 of
	// them, so calls differ.
	mixCount = 1024
	mixSeed  = 1400

	mixWhat = "packets of 40 (28%), 52 (19%), 576 (6%), 1400 (31%) and other (16%) bytes, 607 on average"
)

// mixLengths are the lengths of 1,024 packets in the order in which [Mix] uses them, always the
// same. Of every 64, in the mean, 18 have 40 bytes, 12 have 52, 4 have 576, 20 have 1400, and 10
// have any length between 40 and 1400.
func mixLengths() []int {
	random := timing.NewKeys(mixSeed)
	var lengths []int
	for _, s := range mixShares {
		count := s.share * mixCount / packetsPerCall
		if s.length != mixAnyLength {
			lengths = append(lengths, slices.Repeat([]int{s.length}, count)...)
			continue
		}
		for range count / 2 {
			length := mixShortest + 1 + random.Below(mixLongest-mixShortest-1)
			lengths = append(lengths, length, mixShortest+mixLongest-length)
		}
	}
	for i := len(lengths) - 1; i > 0; i-- { // Fisher and Yates
		j := random.Below(i + 1)
		lengths[i], lengths[j] = lengths[j], lengths[i]
	}
	return lengths
}

// mixWork is [Mix].
type mixWork struct {
	backend *arc4.Backend
	jobs    []arc4.Job
	refill  func()
	lengths []int
	next    int // place in lengths
}

func newMixWork(b *arc4.Backend, keys *timing.Keys) *mixWork {
	jobs, refill := timing.Batch(packetsPerCall, mixLongest, keys, newJob)
	return &mixWork{backend: b, jobs: jobs, refill: refill, lengths: mixLengths()}
}

// call does the next 64 packets.
func (w *mixWork) call() {
	w.refill()
	for i := range w.jobs {
		j := &w.jobs[i]
		packet := j.Dst[:w.lengths[w.next+i]]
		j.Dst, j.Src = packet, packet
	}
	w.next = (w.next + packetsPerCall) % len(w.lengths)
	w.backend.XORKeyStreams(w.jobs)
}
