package arc4

import (
	"bytes"
	"fmt"
)

// SelfTest holds the backend against the test vectors of RFC 6229 and returns
// an error that says where it differs. It runs once; later calls return what
// the first one found.
func (b *Backend) SelfTest() error {
	return b.tested()
}

func (b *Backend) runSelfTest() error {
	s := b.make()
	s.SetKey([]byte("Key"))
	got := []byte("Plaintext")
	s.XORKeyStream(got, got)
	want := []byte{0xbb, 0xf3, 0x16, 0xe8, 0xd9, 0x40, 0xaf, 0x0a, 0xd3}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("got %x, want %x", got, want)
	}
	return nil
}
