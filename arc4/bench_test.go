package arc4_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
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

// packetJobs are jobs in place with packets of the sizes given, each a cache line
// and more behind the one before it: packets that lie a multiple of 4096 bytes
// apart would hold each other up, since processors compare the lower bits of
// addresses first.
func packetJobs(sizes []int) (jobs []arc4.Job, total int64) {
	for _, size := range sizes {
		total += int64(size)
	}
	buf := make([]byte, int(total)+128*len(sizes))
	keys := make([]byte, 16*len(sizes))
	for n, size := range sizes {
		jobs = append(jobs, arc4.Job{Key: keys[16*n:][:16], Dst: buf[:size], Src: buf[:size]})
		buf = buf[(size+127)&^63:]
	}
	return jobs, total
}

func benchJobs(b *testing.B, backend *arc4.Backend, sizes []int) {
	random := rand.NewPCG(1, 2)
	jobs, total := packetJobs(sizes)
	b.SetBytes(total)
	b.ReportAllocs()
	for b.Loop() {
		for n := range jobs {
			freshKey(jobs[n].Key, random)
		}
		backend.XORKeyStreams(jobs)
	}
}

// BenchmarkPackets is XORKeyStreams on 64 packets of size bytes, each with its
// own new 16-byte key.
func BenchmarkPackets(b *testing.B) {
	perBackend(b, func(b *testing.B, backend *arc4.Backend) {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
				benchJobs(b, backend, slices.Repeat([]int{size}, 64))
			})
		}
	})
}

// BenchmarkMix is XORKeyStreams on 64 packets of the sizes that networks carry:
// many small ones, many as large as can be, and others.
func BenchmarkMix(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	var sizes []int
	for range 16 {
		sizes = append(sizes, 40, 1400, []int{52, 576}[r.IntN(2)], 40+r.IntN(1361))
	}
	perBackend(b, func(b *testing.B, backend *arc4.Backend) { benchJobs(b, backend, sizes) })
}

// BenchmarkBatch is XORKeyStreams on a few packets of 1400 bytes, which do not
// fill all lanes.
func BenchmarkBatch(b *testing.B) {
	perBackend(b, func(b *testing.B, backend *arc4.Backend) {
		for _, packets := range []int{1, 2, 3, 4, 6, 8} {
			b.Run(fmt.Sprintf("packets=%d", packets), func(b *testing.B) {
				benchJobs(b, backend, slices.Repeat([]int{1400}, packets))
			})
		}
	})
}
