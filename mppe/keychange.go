package mppe

import (
	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/mppe/internal/keyhash"
)

// maxKey is the length of the longest session key, in bytes.
const maxKey = keyhash.Size

// key is a session key; 40 and 56 bit keys use the first 8 bytes. It lies where a word may, because
// Go copies what does not by single bytes, on processors that read words only there.
type key struct {
	_ [0]uint32
	b [maxKey]byte
}

// keyChanger is RFC 3078 section 7.3 for one start key. It holds no session key: the callers keep
// several places in one chain (the last key derived, and a cursor that is on its way to a distant
// one).
type keyChanger struct {
	// backend is for streams that go on; packets is for batches, and rc4 for single packets and the
	// chain itself.
	backend, packets *arc4.Backend
	rc4              *arc4.Cipher
	hash             *keyhash.Hasher
	length           int
	strength         int
	// interim is a field because a local array would escape to the heap through the RC4 backend's
	// call.
	interim key
	// rekeys counts the derivations: the work that packets can make this side do.
	rekeys uint64
}

// initial gives the first session key of the chain: GetNewKeyFromSHA(start, start), salted.
func (c *keyChanger) initial(start []byte) key {
	var k key
	copy(k.b[:], start)
	c.hash.Sum(&k.b, &k.b)
	clear(k.b[c.length:])
	c.salt(&k)
	return k
}

// change replaces k by the session key that follows it. It leaves c.rc4 in a state of no use.
func (c *keyChanger) change(k *key) {
	interim := c.begin(k)
	// SetKey fails on key lengths outside 1 to 256 only, and this one is 8 or 16.
	_ = c.rc4.SetKey(interim)
	c.rc4.XORKeyStream(k.b[:len(interim)], interim)
	c.salt(k)
}

// begin is the first half of a change of k: it gives the interim key, valid until the next call.
// RC4 under the interim key, over the interim key, and salt make the second half.
func (c *keyChanger) begin(k *key) (interim []byte) {
	c.rekeys++
	c.hash.Sum(&c.interim.b, &k.b)
	return c.interim.b[:c.length]
}

// salt reduces the effective length of k to 40 or 56 bits.
func (c *keyChanger) salt(k *key) {
	switch c.strength {
	case 40:
		k.b[0], k.b[1], k.b[2] = 0xD1, 0x26, 0x9E
	case 56:
		k.b[0] = 0xD1
	}
}

// setKey starts cipher on session key k.
func (c *keyChanger) setKey(cipher *arc4.Cipher, k *key) {
	// The length is 8 or 16, which SetKey does not refuse.
	_ = cipher.SetKey(k.b[:c.length])
}
