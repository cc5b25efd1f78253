package speed

import "encoding/binary"

// keySource makes keys that do not come back: the successive states of Marsaglia's xorshift64 (Journal of Statistical
// Software 8, 14), whose period is 2^64-1. Shifts and exclusive-ors are cheap on 32-bit machines too: a 16-byte key takes
// some twenty cycles, where the fastest key set-ups take several hundred to a thousand. They are not subtracted, because
// processors do them while the set-up before is still going on: keys read from a table measure the same.
type keySource struct{ state uint64 }

// newKeySource starts a sequence; those of neighbouring seeds have nothing in common.
func newKeySource(seed uint64) *keySource {
	// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) spreads the seed.
	z := (seed + 1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	if z == 0 { // the one state that xorshift does not leave
		z = 1
	}
	return &keySource{z}
}

func (k *keySource) next() uint64 {
	x := k.state
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	k.state = x
	return x
}

// fill makes a key. key has a multiple of 8 bytes.
func (k *keySource) fill(key []byte) {
	for len(key) >= 8 {
		binary.LittleEndian.PutUint64(key, k.next())
		key = key[8:]
	}
}

// below gives a number from 0 to n-1, each as likely as another to within n/2^31.
func (k *keySource) below(n int) int {
	return int((k.next() >> 33) % uint64(n))
}
