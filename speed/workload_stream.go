package speed

import (
	"crypto/cipher"

	"github.com/arc4tun/arc4tun/arc4"
)

// streamWork is [Stream]: one key stream that goes on from block to block, over one buffer in place.
type streamWork struct {
	stream cipher.Stream
	block  []byte
}

func newStreamWork(b *arc4.Backend, size int, keys *keySource) (work, error) {
	var key [keySize]byte
	keys.fill(key[:])
	c, err := b.For(arc4.Stream).New(key[:])
	if err != nil {
		return nil, err
	}
	return &streamWork{c, make([]byte, size)}, nil
}

func (w *streamWork) run(n int) int {
	for range n {
		w.stream.XORKeyStream(w.block, w.block)
	}
	return n
}
