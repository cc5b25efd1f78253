package speed

import "github.com/arc4tun/arc4tun/arc4"

// keySetupWork is [KeySetup].
type keySetupWork struct {
	cipher *arc4.Cipher
	keys   *keySource
	key    [keySize]byte
}

func newKeySetupWork(b *arc4.Backend, keys *keySource) (work, error) {
	w := &keySetupWork{keys: keys}
	keys.fill(w.key[:])
	c, err := b.For(arc4.Packet).New(w.key[:])
	if err != nil {
		return nil, err
	}
	w.cipher = c
	return w, nil
}

func (w *keySetupWork) run(n int) int {
	for range n {
		w.keys.fill(w.key[:])
		if err := w.cipher.SetKey(w.key[:]); err != nil {
			panic(err) // a key of 16 bytes is one that RC4 takes
		}
	}
	return n
}
