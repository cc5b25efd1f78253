package speed

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
)

// rc4MPPE is stateless 128-bit MPPE in the shortest way that Go's standard library has for it: a packet at a time, whether
// its neighbours belong to the same session or to others.
type rc4MPPE struct {
	message [2*keySize + 2*mppePad]byte // start key, zeros, session key, 40 times 0xf2 (RFC 3079, section 3.4)
	count   uint16
	frame   []byte
}

// mppePad is the length in bytes of each pad of RFC 3079, section 3.4.
const mppePad = 40

func newRC4MPPE(size int, keys *keySource) *rc4MPPE {
	w := &rc4MPPE{frame: make([]byte, mppeHeader+size)}
	session := w.session()
	keys.fill(w.message[:keySize])
	copy(session, w.message[:keySize])
	copy(w.message[keySize+mppePad+keySize:], bytes.Repeat([]byte{0xf2}, mppePad))
	digest := sha1.Sum(w.message[:])
	copy(session, digest[:])
	return w
}

// session is the session key's place in the message.
func (w *rc4MPPE) session() []byte {
	return w.message[keySize+mppePad:][:keySize]
}

func (w *rc4MPPE) run(n int) int {
	session, packet := w.session(), w.frame[mppeHeader:]
	for range n {
		interim := sha1.Sum(w.message[:])
		newRC4(interim[:keySize]).XORKeyStream(session, interim[:keySize])
		newRC4(session).XORKeyStream(packet, packet)
		binary.BigEndian.PutUint16(w.frame, 0x9000|w.count&0x0fff) // FLUSHED and encrypted, and the coherency count
		w.count++
	}
	return n
}
