package arc4_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/arc4tun/arc4tun/arc4"
)

// fuzzJobs is the most jobs in a batch of FuzzBatch.
const fuzzJobs = 80

// cutPlaces reads where jobs are: five bytes for each, of which the last has the
// gap before it and more.
func cutPlaces(shape []byte) []place {
	var places []place
	for len(shape) >= 5 && len(places) < fuzzJobs {
		more := shape[4]
		places = append(places, place{
			key:     1 + int(shape[0])%arc4.MaxKeySize,
			data:    int(binary.LittleEndian.Uint16(shape[1:])) % 3001,
			gap:     int(more & 15),
			room:    int(more >> 4 & 3),
			inPlace: more&0x40 != 0,
		})
		shape = shape[5:]
	}
	return places
}

// FuzzBatch holds every backend's batches against crypto/rc4: jobs of any
// length and key, beside each other, in place or not, at any address.
func FuzzBatch(f *testing.F) {
	f.Add([]byte{}, uint64(0))
	f.Add([]byte{15, 0, 0, 0, 0}, uint64(1))
	f.Add([]byte{15, 0x78, 5, 0, 0x40, 15, 0x78, 5, 0, 0x40, 15, 0x78, 5, 0, 0x40}, uint64(2))
	f.Add([]byte{255, 0xb8, 11, 0, 3, 0, 1, 0, 0, 0x11, 4, 16, 0, 0, 0x5f, 12, 17, 0, 0, 0, 6, 15, 0, 0, 0x41}, uint64(3))
	var many []byte
	for n := range 70 {
		many = append(many, byte(n), byte(n*37), byte(n%3), 0, byte(n*11))
	}
	f.Add(many, uint64(4))
	f.Fuzz(func(t *testing.T, shape []byte, seed uint64) {
		places := cutPlaces(shape)
		for _, b := range arc4.Backends() {
			a := layOut(t, rand.New(rand.NewPCG(seed, 0)), places)
			b.XORKeyStreams(a.jobs)
			a.check(t)
		}
	})
}
