package timing

import "encoding/binary"

// KeySize is the length in bytes of the keys that ciphers are timed with: MPPE's for 128 bits.
const KeySize = 16

// Keys makes keys that do not come back: the successive states of Marsaglia's xorshift64 (Journal
// of Statistical Software 8, 14), whose period is 2^64-1. Shifts and exclusive-ors are cheap on
// 32-bit machines too: a 16-byte key takes some twenty cycles, where the fastest key set-ups take
// several hundred to a thousand. They are not subtracted, because processors do them while the
// set-up before is still going on: keys read from a table measure the same.
type Keys struct{ state uint64 }

// NewKeys starts a sequence; those of neighbouring seeds have nothing in common.
func NewKeys(seed uint64) *Keys {
	// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) spreads the seed.
	z := (seed + 1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	if z == 0 { // the one state that xorshift does not leave
		z = 1
	}
	return &Keys{z}
}

// Next returns the next 64 bits of the sequence.
func (k *Keys) Next() uint64 {
	x := k.state
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	k.state = x
	return x
}

// Fill makes a key, or several in a row. Its length is a multiple of 8 bytes.
func (k *Keys) Fill(key []byte) {
	for len(key) >= 8 {
		binary.LittleEndian.PutUint64(key, k.Next())
		key = key[8:]
	}
}

// Below returns a number from 0 to n-1, each as likely as another to within n/2^31.
func (k *Keys) Below(n int) int {
	return int((k.Next() >> 33) % uint64(n))
}
