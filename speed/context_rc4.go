package speed

import "crypto/rc4"

// rc4Subject is Go's own RC4, for comparison. It cannot be rekeyed in place, so every new key allocates a kilobyte; that
// is what its users pay, too.
func rc4Subject() subject {
	return subject{
		name:  "crypto/rc4",
		check: func() error { return nil },
		works: map[Workload]makeWork{
			Stream:   func(size int, keys *keySource) (work, error) { return newRC4Stream(size, keys) },
			Packet:   func(size int, keys *keySource) (work, error) { return newRC4Packet(size, keys), nil },
			Packets:  func(size int, keys *keySource) (work, error) { return newRC4Packet(size, keys), nil },
			KeySetup: func(_ int, keys *keySource) (work, error) { return &rc4KeySetup{keys: keys}, nil },
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

type rc4Packet struct {
	keys  *keySource
	key   [keySize]byte
	block []byte
}

func newRC4Packet(size int, keys *keySource) work {
	return &rc4Packet{keys: keys, block: make([]byte, size)}
}

func (w *rc4Packet) run(n int) int {
	for range n {
		w.keys.fill(w.key[:])
		c, err := rc4.NewCipher(w.key[:])
		if err != nil {
			panic(err) // a key of 16 bytes is one that RC4 takes
		}
		c.XORKeyStream(w.block, w.block)
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
		c, err := rc4.NewCipher(w.key[:])
		if err != nil {
			panic(err) // a key of 16 bytes is one that RC4 takes
		}
		w.last = c
	}
	return n
}
