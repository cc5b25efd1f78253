package main

import (
	"slices"

	"github.com/arc4tun/arc4tun/speed"
)

// job is what is measured in one go: a workload with packets of so many bytes, on all of names and
// libcrypto in turns.
type job struct {
	workload speed.Workload
	bytes    int
}

// The sizes that rows are about, in bytes.
const (
	usualPacket = 1400
	shortPacket = 64
	shortCall   = 16
	noBytes     = 0 // a key set-up has none, and the mix its own
)

var (
	oneStream    = job{speed.Stream, usualPacket}
	shortStream  = job{speed.Stream, shortCall}
	keySetup     = job{speed.KeySetup, noBytes}
	onePacket    = job{speed.Packet, usualPacket}
	manyPackets  = job{speed.Packets, usualPacket}
	shortPackets = job{speed.Packets, shortPacket}
	mixedPackets = job{speed.Mix, noBytes}
	oneSession   = job{speed.MPPEBatch, usualPacket}
	manySessions = job{speed.MPPESessions, usualPacket}
)

// jobs lists all that is measured.
var jobs = []job{
	oneStream, shortStream, keySetup, onePacket, manyPackets, shortPackets, mixedPackets, oneSession, manySessions,
}

// charted are those that are drawn, and so measured with every backend.
var charted = []job{oneStream, manyPackets}

// names are what is measured in a job; speed adds the peers.
func (j job) names(b backends) []string {
	if slices.Contains(charted, j) {
		return append(slices.Clone(b.all), selected)
	}
	return []string{selected}
}

// row is one line of the table: the work, how many times as fast as libcrypto it is to be, and who
// may do it. Of several names the fastest counts.
type row struct {
	what  string
	asked float64
	job   job
	names []string
}

// rows lists the lines for a machine with these backends.
func rows(b backends) []row {
	auto := []string{selected}
	list := []row{
		{"one stream, calls of 1400 B", 1.4, oneStream, auto},
		{"one stream, calls of 16 B", 1.0, shortStream, auto},
		{"key set-up alone", 2.2, keySetup, auto},
		{"packet: key set-up + 1400 B, one at a time", 1.5, onePacket, auto},
		{"packets: 64 x 1400 B at once", 2.1, manyPackets, auto},
		{"packets: 64 x 64 B at once", 3.3, shortPackets, auto},
		{"packets: 64 of a real mix of lengths at once", 2.0, mixedPackets, auto},
		{"mppe: one session, batches of 64 x 1400 B", 2.0, oneSession, auto},
		{"mppe: eight sessions, 64 x 1400 B at once", 2.3, manySessions, auto},
		{"pure Go: one stream, calls of 1400 B", 0.9, oneStream, b.portable},
		{"pure Go: packets, 64 x 1400 B at once", 1.1, manyPackets, b.portable},
	}
	if old := b.withoutAVX512(); old != nil {
		list = append(list,
			row{"amd64 for every processor: one stream, calls of 1400 B", 1.3, oneStream, []string{baseline}},
			row{"amd64 without AVX-512: packets, 64 x 1400 B at once", 1.7, manyPackets, old})
	}
	return list
}
