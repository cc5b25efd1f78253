package speed

import (
	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/timing"
)

// newCipher has a fresh key.
func newCipher(b *arc4.Backend, keys *timing.Keys) (*arc4.Cipher, error) {
	var key [timing.KeySize]byte
	keys.Fill(key[:])
	return b.New(key[:])
}

// newStreamWork is [Stream].
func newStreamWork(b *arc4.Backend, size int, keys *timing.Keys) (timing.Work, error) {
	c, err := newCipher(b.For(arc4.Stream), keys)
	return timing.Stream(c, make([]byte, size)), err
}

// newPacketWork is [Packet], and without a size [KeySetup].
func newPacketWork(b *arc4.Backend, size int, keys *timing.Keys) (timing.Work, error) {
	c, err := newCipher(b.For(arc4.Packet), keys)
	return timing.Packet(c, make([]byte, size), keys), err
}

// newPacketsWork is [Packets].
func newPacketsWork(b *arc4.Backend, size int, keys *timing.Keys) (timing.Work, error) {
	jobs, refill := timing.Batch(packetsPerCall, size, keys, newJob)
	return timing.Calls(packetsPerCall, func() {
		refill()
		b.XORKeyStreams(jobs)
	}), nil
}

// newJob is a packet in place.
func newJob(key, packet []byte) arc4.Job { return arc4.Job{Key: key, Dst: packet, Src: packet} }
