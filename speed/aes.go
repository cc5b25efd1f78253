package speed

import (
	"crypto/aes"
	"crypto/cipher"
)

// aesSubject is Go's AES-CBC encryption with keys of size bytes, for comparison. A block that is not a whole number of
// AES blocks is rounded up, as padding would do, and counts with its own size.
//
// The standard library cannot rekey in place, so every new key allocates; that is what its users pay, too.
func aesSubject(name string, size int) subject {
	with := func(build func(c *aesWork) work) makeWork {
		return func(block int, keys *keySource) (work, error) {
			c, err := newAESWork(size, block, keys)
			if err != nil {
				return nil, err
			}
			return build(c), nil
		}
	}
	return subject{
		name:  name,
		kind:  other,
		check: func() error { return nil },
		works: map[Workload]makeWork{
			Stream:   with(func(c *aesWork) work { return (*aesStream)(c) }),
			Packet:   with(func(c *aesWork) work { return (*aesPacket)(c) }),
			Packets:  with(func(c *aesWork) work { return (*aesPacket)(c) }),
			KeySetup: with(func(c *aesWork) work { return (*aesKeySetup)(c) }),
		},
	}
}

// aesWork is what all workloads of AES-CBC need.
type aesWork struct {
	mode  cipher.BlockMode
	keys  *keySource
	key   []byte
	iv    [aes.BlockSize]byte
	block []byte
}

func newAESWork(size, block int, keys *keySource) (*aesWork, error) {
	whole := (block + aes.BlockSize - 1) / aes.BlockSize * aes.BlockSize
	w := &aesWork{keys: keys, key: make([]byte, size), block: make([]byte, whole)}
	return w, w.rekey()
}

// rekey starts a chain of blocks with a fresh key.
func (w *aesWork) rekey() error {
	w.keys.fill(w.key)
	c, err := aes.NewCipher(w.key)
	if err != nil {
		return err
	}
	w.mode = cipher.NewCBCEncrypter(c, w.iv[:])
	return nil
}

type aesStream aesWork

func (w *aesStream) run(n int) int {
	for range n {
		w.mode.CryptBlocks(w.block, w.block)
	}
	return n
}

type aesPacket aesWork

func (w *aesPacket) run(n int) int {
	for range n {
		if err := (*aesWork)(w).rekey(); err != nil {
			panic(err) // the first key of this length was accepted
		}
		w.mode.CryptBlocks(w.block, w.block)
	}
	return n
}

type aesKeySetup aesWork

func (w *aesKeySetup) run(n int) int {
	for range n {
		if err := (*aesWork)(w).rekey(); err != nil {
			panic(err) // the first key of this length was accepted
		}
	}
	return n
}
