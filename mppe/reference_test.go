package mppe

import (
	"bytes"
	"crypto/rc4"
	"crypto/sha1"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the tests compare against and build their packets with: slow, plain, with nothing shared
// with the package.

// testConfig has the judge that a tunnel uses.
func testConfig(strength int, stateless bool) Config {
	key := []byte("0123456789abcdef")
	if strength != 128 {
		key = key[:8]
	}
	return Config{Key: key, Strength: strength, Stateless: stateless, Plausible: PlausiblePPP(true, true)}
}

// anything is a judge that believes whatever comes out.
func anything([]byte) bool { return true }

func plainSalt(strength int, k []byte) []byte {
	switch strength {
	case 40:
		copy(k, []byte{0xD1, 0x26, 0x9E})
	case 56:
		k[0] = 0xD1
	}
	return k
}

func plainSHA(cfg Config, k []byte) []byte {
	h := sha1.New()
	h.Write(cfg.Key)
	h.Write(make([]byte, 40))
	h.Write(k)
	h.Write(bytes.Repeat([]byte{0xF2}, 40))
	return h.Sum(nil)[:len(cfg.Key)]
}

func plainInitialKey(cfg Config) []byte {
	return plainSalt(cfg.Strength, plainSHA(cfg, cfg.Key))
}

func plainNextKey(cfg Config, k []byte) []byte {
	interim := plainSHA(cfg, k)
	return plainSalt(cfg.Strength, plainRC4(interim, interim))
}

func plainRC4(key, b []byte) []byte {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic(err)
	}
	out := make([]byte, len(b))
	c.XORKeyStream(out, b)
	return out
}

// ipv4 is a PPP protocol field and an IPv4 packet of size bytes with a sound header and tag in its
// body.
func ipv4(tag uint32, size int) []byte {
	b := make([]byte, 2+size)
	b[1] = protocolIPv4
	p := b[2:]
	p[0] = 0x45
	binary.BigEndian.PutUint16(p[2:], uint16(size))
	p[8], p[9] = 64, 17
	copy(p[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	setChecksum(p)
	binary.BigEndian.PutUint32(p[20:], tag)
	return b
}

func setChecksum(p []byte) {
	p[10], p[11] = 0, 0
	var sum uint32
	for i := 0; i < int(p[0]&15)*4; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	for sum > 0xFFFF {
		sum = sum>>16 + sum&0xFFFF
	}
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum))
}

func tagOf(plain []byte) uint32 { return binary.BigEndian.Uint32(plain[22:]) }

// wire is a sender: an encrypter and the sequence numbers of the GRE packets that carry what it
// makes.
type wire struct {
	t   testing.TB
	enc *Encrypter
	seq uint32
	tag uint32
}

// sent is one packet on the wire.
type sent struct {
	seq  uint32
	tag  uint32
	data []byte
}

func newWire(t testing.TB, cfg Config, seq uint32) *wire {
	enc, err := NewEncrypter(cfg)
	require.NoError(t, err)
	return &wire{t: t, enc: enc, seq: seq}
}

func newDecrypter(t testing.TB, cfg Config) *Decrypter {
	d, err := NewDecrypter(cfg)
	require.NoError(t, err)
	return d
}

// decryptBatch decrypts packets of one session.
func decryptBatch(d *Decrypter, packets []Packet) {
	var b ReceiveBatch
	for i := range packets {
		b.Add(d, &packets[i])
	}
	b.Decrypt()
}

// encryptBatch encrypts packets of one session.
func encryptBatch(e *Encrypter, dst, packets [][]byte) {
	var b SendBatch
	b.Add(e, dst, packets)
	b.Encrypt()
}

func (w *wire) next() sent {
	s := sent{seq: w.seq, tag: w.tag, data: w.enc.Encrypt(nil, ipv4(w.tag, 40))}
	w.seq++
	w.tag++
	return s
}

// control uses up a sequence number, as a clear LCP or CCP frame does.
func (w *wire) control() { w.seq++ }

// lose sends n packets that never arrive, with a control frame after every so many (0: none).
func (w *wire) lose(n, every int) {
	for i := range n {
		// Nobody sees what would have been encrypted.
		w.enc.frame(nil, nil, w.enc.advance())
		w.seq++
		w.tag++
		if every > 0 && i%every == 0 {
			w.control()
		}
	}
}

// deliver hands the packet over and requires it to come out whole.
func (w *wire) deliver(d *Decrypter, s sent) {
	w.t.Helper()
	plain, err := d.Decrypt(nil, s.data, s.seq)
	if err != nil || !bytes.Equal(plain, ipv4(s.tag, 40)) {
		require.NoError(w.t, err, "packet %d, sequence number %d", s.tag, s.seq)
		require.Equal(w.t, ipv4(s.tag, 40), plain)
	}
}

// forge makes a packet that anyone could.
func forge(r *rand.Rand, count uint16, size int) []byte {
	b := make([]byte, HeaderSize+size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	binary.BigEndian.PutUint16(b, bitFlushed|bitEncrypted|count&countMask)
	return b
}
