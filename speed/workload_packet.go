package speed

import "github.com/arc4tun/arc4tun/arc4"

// packetWork is [Packet]: the cipher is rekeyed in place for every block.
type packetWork struct {
	cipher *arc4.Cipher
	keys   *keySource
	key    [keySize]byte
	block  []byte
}

func newPacketWork(b *arc4.Backend, size int, keys *keySource) (work, error) {
	w := &packetWork{keys: keys, block: make([]byte, size)}
	keys.fill(w.key[:])
	c, err := b.For(arc4.Packet).New(w.key[:])
	if err != nil {
		return nil, err
	}
	w.cipher = c
	return w, nil
}

func (w *packetWork) run(n int) int {
	for range n {
		w.keys.fill(w.key[:])
		if err := w.cipher.SetKey(w.key[:]); err != nil {
			panic(err) // a key of 16 bytes is one that RC4 takes
		}
		w.cipher.XORKeyStream(w.block, w.block)
	}
	return n
}
