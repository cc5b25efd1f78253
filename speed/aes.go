package speed

import (
	"crypto/aes"
	"crypto/cipher"

	"github.com/arc4tun/arc4tun/internal/timing"
)

// aesCBC is Go's AES-CBC encryption with keys of size bytes, for comparison. A block that is not a
// whole number of AES blocks is rounded up, as padding would do, and counts with its own size.
//
// The standard library cannot rekey in place, so every new key allocates; that is what its users
// pay, too.
func aesCBC(name string, size int) implementation {
	with := func(operation func(w *aesWork)) makeWork {
		return func(block int, keys *timing.Keys) (timing.Work, error) {
			w := newAESWork(size, block, keys)
			return timing.Calls(1, func() { operation(w) }), nil
		}
	}
	packet := with(func(w *aesWork) { w.rekey(); w.encrypt() })
	return implementation{
		name:  name,
		kind:  other,
		check: passes,
		works: map[Workload]makeWork{
			Stream:   with((*aesWork).encrypt),
			Packet:   packet,
			Packets:  packet,
			KeySetup: with((*aesWork).rekey),
		},
	}
}

// aesWork is what all workloads of AES-CBC need.
type aesWork struct {
	mode  cipher.BlockMode
	keys  *timing.Keys
	key   []byte
	iv    [aes.BlockSize]byte
	block []byte
}

func newAESWork(size, block int, keys *timing.Keys) *aesWork {
	whole := (block + aes.BlockSize - 1) / aes.BlockSize * aes.BlockSize
	w := &aesWork{keys: keys, key: make([]byte, size), block: make([]byte, whole)}
	w.rekey()
	return w
}

// rekey starts a chain of blocks with a fresh key.
func (w *aesWork) rekey() {
	w.keys.Fill(w.key)
	c, err := aes.NewCipher(w.key)
	if err != nil {
		panic(err) // a key of 16 or 32 bytes is one that AES takes
	}
	w.mode = cipher.NewCBCEncrypter(c, w.iv[:])
}

func (w *aesWork) encrypt() { w.mode.CryptBlocks(w.block, w.block) }
