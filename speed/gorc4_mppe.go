package speed

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"

	"github.com/arc4tun/arc4tun/internal/timing"
)

const (
	// mppePad is the length in bytes of each pad of RFC 3079, section 3.4.
	mppePad = 40
	keySize = timing.KeySize
)

// goRC4MPPE is stateless 128-bit MPPE in the shortest way that Go's standard library has for it: a
// packet at a time, whether its neighbours belong to the same session or to others.
type goRC4MPPE struct {
	// message is start key, zeros, session key, 40 times 0xf2 (RFC 3079, section 3.4).
	message [2*keySize + 2*mppePad]byte
	count   uint16
	frame   []byte
}

func newGoRC4MPPE(size int, keys *timing.Keys) *goRC4MPPE {
	w := &goRC4MPPE{frame: make([]byte, mppeHeader+size)}
	session := w.session()
	keys.Fill(w.message[:keySize])
	copy(session, w.message[:keySize])
	copy(w.message[keySize+mppePad+keySize:], bytes.Repeat([]byte{0xf2}, mppePad))
	digest := sha1.Sum(w.message[:])
	copy(session, digest[:])
	return w
}

// session is the session key's place in the message.
func (w *goRC4MPPE) session() []byte {
	return w.message[keySize+mppePad:][:keySize]
}

func (w *goRC4MPPE) run(n int) int {
	session, packet := w.session(), w.frame[mppeHeader:]
	for range n {
		interim := sha1.Sum(w.message[:])
		newGoRC4(interim[:keySize]).XORKeyStream(session, interim[:keySize])
		newGoRC4(session).XORKeyStream(packet, packet)
		// FLUSHED and encrypted, and the coherency count
		binary.BigEndian.PutUint16(w.frame, 0x9000|w.count&0x0fff)
		w.count++
	}
	return n
}
