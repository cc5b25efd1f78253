package arc4

import (
	"context"
	"fmt"
	"time"

	"github.com/arc4tun/arc4tun/internal/timing"
)

const (
	// largestMeasured is the largest size that Measure takes, in bytes.
	largestMeasured = 1 << 16
	// measuredBatch is how many packets Measure hands over at a time.
	measuredBatch = 64
)

// Measurement is what [Backend.Measure] found.
type Measurement struct {
	Operations uint64        // packets, and for [Stream] calls of XORKeyStream
	Bytes      uint64        // of all of them
	Elapsed    time.Duration // wall time
}

// Measure does the work w over and over for the time d, in the calling goroutine, and returns how
// much of it was done. size is the length in bytes of a packet, and for [Stream] of what a call
// encrypts: 1 to 65,536, or 0 with [Packet] for a key set-up alone. [Packets] are done 64 at a
// time. Keys have 16 bytes, and every one is used once, because branch predictors learn the keys
// that come back. The time that it takes to set up the work, and to warm up, does not count.
//
// The error says which value cannot be, that the backend cannot run here and why, or that its
// self-test failed.
func (b *Backend) Measure(w Workload, size int, d time.Duration) (Measurement, error) {
	least := 1
	if w == Packet {
		least = 0
	}
	switch {
	case w < 0 || w >= workloads:
		return Measurement{}, fmt.Errorf("arc4: cannot measure Workload(%d): give Stream, Packet or Packets", int(w))
	case size < least || size > largestMeasured:
		return Measurement{}, fmt.Errorf("arc4: cannot measure %v with %d bytes: give %d to %d", w, size, least, largestMeasured)
	case d <= 0:
		return Measurement{}, fmt.Errorf("arc4: cannot measure for %v: give more than 0", d)
	}
	if err := b.usable(); err != nil {
		return Measurement{}, err
	}
	ctx, clock := context.Background(), timing.NewWallClock()
	work := b.newWork(w, size, measuredBatch, timing.NewKeys(uint64(time.Now().UnixNano())))
	n, _ := timing.Calibrate(ctx, work, clock, timing.Chunk(d))
	ops, elapsed := timing.Measure(ctx, work, clock, n, d, true)
	return Measurement{ops, ops * uint64(size), elapsed}, nil
}

// newWork sets up the work w on packets of size bytes, of which [Packets] has so many in a batch.
func (b *Backend) newWork(w Workload, size, batch int, keys *timing.Keys) timing.Work {
	if w == Packets {
		jobs, refill := timing.Batch(batch, size, keys, func(key, packet []byte) Job {
			return Job{Key: key, Dst: packet, Src: packet}
		})
		return timing.Calls(batch, func() {
			refill()
			b.XORKeyStreams(jobs)
		})
	}
	key := make([]byte, timing.KeySize)
	keys.Fill(key)
	c := &Cipher{b.For(w).newStream()}
	c.stream.SetKey(key)
	if w == Stream {
		return timing.Stream(c, make([]byte, size))
	}
	return timing.Packet(c, make([]byte, size), keys)
}
