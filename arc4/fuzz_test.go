package arc4_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
)

// FuzzCipher holds every backend against crypto/rc4, with the data cut into
// pieces whose lengths are the bytes of cuts, buffers that start anywhere in a
// word, and the same as a batch.
func FuzzCipher(f *testing.F) {
	f.Add([]byte("Key"), []byte("Plaintext"), []byte{}, uint8(0))
	f.Add([]byte("sixteen byte key"), make([]byte, 1400), []byte{1, 16, 0, 15, 255}, uint8(1))
	f.Add(make([]byte, 256), make([]byte, 700), []byte{7, 8, 9}, uint8(0x53))
	f.Add([]byte{1, 2, 3, 4, 5}, make([]byte, 33), []byte{32}, uint8(0x20))
	f.Fuzz(func(t *testing.T, key, data, cuts []byte, place uint8) {
		if len(key) < 1 || len(key) > arc4.MaxKeySize {
			_, err := arc4.New(key)
			require.ErrorIs(t, err, arc4.KeySizeError(len(key)))
			return
		}
		want := wanted(t, key, data)
		src := append(make([]byte, place&7), data...)[place&7:]
		for _, b := range arc4.Backends() {
			dst := make([]byte, int(place>>4&7)+len(data))[place>>4&7:]
			c := newCipher(t, b, key)
			at := 0
			for _, n := range cuts {
				n := min(int(n), len(data)-at)
				c.XORKeyStream(dst[at:at+n], src[at:at+n])
				at += n
			}
			c.XORKeyStream(dst[at:], src[at:])
			require.Equal(t, want, dst, b.Name())

			jobs := []arc4.Job{
				{Key: key, Dst: make([]byte, len(data)), Src: data},
				{Key: key, Dst: make([]byte, at), Src: data[:at]},
			}
			b.XORKeyStreams(jobs)
			require.Equal(t, want, jobs[0].Dst, b.Name())
			require.Equal(t, want[:at], jobs[1].Dst, b.Name())
		}
	})
}
