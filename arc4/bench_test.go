package arc4_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/arc4tun/arc4tun/arc4"
)

// The smallest sizes show what a call costs, 1400 bytes are a full MPPE packet,
// and the largest is a bulk transfer.
var benchSizes = []int{16, 64, 1024, 1400, 8192}

// freshKey overwrites key, 16 bytes, because timing code whose branches depend on the
// data with one key over and over teaches the branch predictor that key.
func freshKey(key []byte, random *rand.PCG) {
	binary.LittleEndian.PutUint64(key, random.Uint64())
	binary.LittleEndian.PutUint64(key[8:], random.Uint64())
}

// perBackend runs bench for every backend as sub-benchmark "backend=NAME".
func perBackend(b *testing.B, bench func(b *testing.B, backend *arc4.Backend)) {
	for _, backend := range arc4.Backends() {
		b.Run("backend="+backend.Name(), func(b *testing.B) { bench(b, backend) })
	}
}

// BenchmarkStream is one key stream that goes on from call to call.
func BenchmarkStream(b *testing.B) {
	perBackend(b, func(b *testing.B, backend *arc4.Backend) {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
				key := make([]byte, 16)
				freshKey(key, rand.NewPCG(1, 2))
				c, err := backend.New(key)
				if err != nil {
					b.Fatal(err)
				}
				buf := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					c.XORKeyStream(buf, buf)
				}
			})
		}
	})
}

// BenchmarkKeySetup is SetKey with a new 16-byte key each time.
func BenchmarkKeySetup(b *testing.B) {
	perBackend(b, func(b *testing.B, backend *arc4.Backend) {
		key := make([]byte, 16)
		random := rand.NewPCG(1, 2)
		c, err := backend.New(key)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			freshKey(key, random)
			if err := c.SetKey(key); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPacket is a new 16-byte key and then size bytes, as a stateless MPPE
// packet has them.
func BenchmarkPacket(b *testing.B) {
	perBackend(b, func(b *testing.B, backend *arc4.Backend) {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
				key := make([]byte, 16)
				random := rand.NewPCG(1, 2)
				c, err := backend.New(key)
				if err != nil {
					b.Fatal(err)
				}
				buf := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					freshKey(key, random)
					if err := c.SetKey(key); err != nil {
						b.Fatal(err)
					}
					c.XORKeyStream(buf, buf)
				}
			})
		}
	})
}

// BenchmarkPackets is XORKeyStreams on 64 packets of size bytes, each with its
// own new 16-byte key.
func BenchmarkPackets(b *testing.B) {
	const packets = 64
	perBackend(b, func(b *testing.B, backend *arc4.Backend) {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
				random := rand.NewPCG(1, 2)
				jobs := make([]arc4.Job, packets)
				for n := range jobs {
					buf := make([]byte, size)
					jobs[n] = arc4.Job{Key: make([]byte, 16), Dst: buf, Src: buf}
				}
				b.SetBytes(packets * int64(size))
				b.ReportAllocs()
				for b.Loop() {
					for n := range jobs {
						freshKey(jobs[n].Key, random)
					}
					backend.XORKeyStreams(jobs)
				}
			})
		}
	})
}
