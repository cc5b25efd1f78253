package speed

import "crypto/rc4"

// rc4Subject is Go's own RC4, for comparison. It cannot be rekeyed in place, so every new key allocates a kilobyte; that
// is what its users pay, too.
func rc4Subject() subject {
	packet := func(size int, keys *keySource) (work, error) { return newRC4Packet([]int{size}, keys), nil }
	mppe := func(size int, keys *keySource) (work, error) { return newRC4MPPE(size, keys), nil }
	return subject{
		name:  "crypto/rc4",
		kind:  peer,
		check: func() error { return nil },
		works: map[Workload]makeWork{
			Stream:       func(size int, keys *keySource) (work, error) { return newRC4Stream(size, keys) },
			Packet:       packet,
			Packets:      packet,
			Mix:          func(_ int, keys *keySource) (work, error) { return newRC4Packet(MixLengths(), keys), nil },
			KeySetup:     func(_ int, keys *keySource) (work, error) { return &rc4KeySetup{keys: keys}, nil },
			MPPE:         mppe,
			MPPEBatch:    mppe,
			MPPESessions: mppe,
		},
	}
}

func newRC4Stream(size int, keys *keySource) (work, error) {
	var key [keySize]byte
	keys.fill(key[:])
	c, err := rc4.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return &streamWork{c, make([]byte, size)}, nil
}

// newRC4 is a cipher for one of the keys of the workloads.
func newRC4(key []byte) *rc4.Cipher {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic(err) // a key of 16 bytes is one that RC4 takes
	}
	return c
}

// rc4Packet is one packet after another, of lengths that come round again.
type rc4Packet struct {
	keys    *keySource
	key     [keySize]byte
	block   []byte
	lengths []int
	next    int // place in lengths
}

func newRC4Packet(lengths []int, keys *keySource) work {
	longest := 0
	for _, n := range lengths {
		longest = max(longest, n)
	}
	return &rc4Packet{keys: keys, block: make([]byte, longest), lengths: lengths}
}

func (w *rc4Packet) run(n int) int {
	for range n {
		w.keys.fill(w.key[:])
		block := w.block[:w.lengths[w.next]]
		newRC4(w.key[:]).XORKeyStream(block, block)
		if w.next++; w.next == len(w.lengths) {
			w.next = 0
		}
	}
	return n
}

type rc4KeySetup struct {
	keys *keySource
	key  [keySize]byte
	last *rc4.Cipher // kept, so that the compiler cannot leave the set-up out
}

func (w *rc4KeySetup) run(n int) int {
	for range n {
		w.keys.fill(w.key[:])
		w.last = newRC4(w.key[:])
	}
	return n
}
