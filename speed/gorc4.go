package speed

import (
	"crypto/rc4"
	"runtime"
	"slices"

	"github.com/arc4tun/arc4tun/internal/timing"
)

// goRC4 is Go's own RC4, for comparison. It cannot be rekeyed in place, so every new key allocates
// a kilobyte; that is what its users pay, too.
func goRC4() implementation {
	packet := func(size int, keys *timing.Keys) (timing.Work, error) {
		return newGoRC4Packet([]int{size}, keys), nil
	}
	mppe := func(size int, keys *timing.Keys) (timing.Work, error) {
		return newGoRC4MPPE(size, keys).run, nil
	}
	return implementation{
		name:  "crypto/rc4",
		kind:  peer,
		check: passes,
		works: map[Workload]makeWork{
			Stream: func(size int, keys *timing.Keys) (timing.Work, error) {
				var key [timing.KeySize]byte
				keys.Fill(key[:])
				return timing.Stream(newGoRC4(key[:]), make([]byte, size)), nil
			},
			Packet:  packet,
			Packets: packet,
			Mix: func(_ int, keys *timing.Keys) (timing.Work, error) {
				return newGoRC4Packet(mixLengths(), keys), nil
			},
			KeySetup: func(_ int, keys *timing.Keys) (timing.Work, error) {
				return newGoRC4KeySetup(keys), nil
			},
			MPPE:         mppe,
			MPPEBatch:    mppe,
			MPPESessions: mppe,
		},
	}
}

// newGoRC4 is a cipher for one of the keys of the workloads.
func newGoRC4(key []byte) *rc4.Cipher {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic(err) // a key of 16 bytes is one that RC4 takes
	}
	return c
}

// newGoRC4Packet is one packet after another, of lengths that come round again.
func newGoRC4Packet(lengths []int, keys *timing.Keys) timing.Work {
	key, packet := make([]byte, timing.KeySize), make([]byte, slices.Max(lengths))
	next := 0 // place in lengths
	return timing.Calls(1, func() {
		keys.Fill(key)
		block := packet[:lengths[next]]
		newGoRC4(key).XORKeyStream(block, block)
		if next++; next == len(lengths) {
			next = 0
		}
	})
}

func newGoRC4KeySetup(keys *timing.Keys) timing.Work {
	key := make([]byte, timing.KeySize)
	return timing.Calls(1, func() {
		keys.Fill(key)
		runtime.KeepAlive(newGoRC4(key)) // so that the compiler cannot leave the set-up out
	})
}
