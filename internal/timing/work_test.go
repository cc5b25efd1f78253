package timing

import (
	"crypto/rc4"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keyStream is the key stream of the next of keys, XORed onto data.
func keyStream(t *testing.T, keys *Keys, data []byte) {
	t.Helper()
	key := make([]byte, KeySize)
	keys.Fill(key)
	c, err := rc4.NewCipher(key)
	require.NoError(t, err)
	c.XORKeyStream(data, data)
}

// TestStreamGoesOn looks that what is timed is the key stream, not an idle loop.
func TestStreamGoesOn(t *testing.T) {
	c, err := rc4.NewCipher([]byte("Key"))
	require.NoError(t, err)
	got := make([]byte, 100)
	assert.Equal(t, 3, Stream(c, got)(3))

	c, err = rc4.NewCipher([]byte("Key"))
	require.NoError(t, err)
	want := make([]byte, 100)
	for range 3 {
		c.XORKeyStream(want, want)
	}
	assert.Equal(t, want, got)
}

// rekeyed is Go's RC4 with another key in place.
type rekeyed struct{ *rc4.Cipher }

func (r *rekeyed) SetKey(key []byte) (err error) {
	r.Cipher, err = rc4.NewCipher(key)
	return err
}

func TestPacketHasAKeyOfItsOwn(t *testing.T) {
	got, want := make([]byte, 100), make([]byte, 100)
	assert.Equal(t, 3, Packet(&rekeyed{}, got, NewKeys(7))(3))
	keys := NewKeys(7)
	for range 3 {
		keyStream(t, keys, want)
	}
	assert.Equal(t, want, got)
}

func TestEmptyPacketIsAKeySetUp(t *testing.T) {
	c := &rekeyed{}
	assert.Equal(t, 3, Packet(c, nil, NewKeys(7))(3))
	got, want := make([]byte, 10), make([]byte, 10)
	c.XORKeyStream(got, got)
	keys := NewKeys(7)
	keys.Fill(make([]byte, 2*KeySize))
	keyStream(t, keys, want)
	assert.Equal(t, want, got, "the third key's stream, from its start")
}

func TestCallsDoWhatIsAskedFor(t *testing.T) {
	for n, want := range map[int]int{1: 64, 63: 64, 64: 64, 65: 128} {
		called := 0
		assert.Equal(t, want, Calls(64, func() { called++ })(n))
		assert.Equal(t, want/64, called)
	}
}

func TestBatchRefillsEveryKey(t *testing.T) {
	type job struct{ key, packet []byte }
	jobs, refill := Batch(3, 100, NewKeys(7), func(key, packet []byte) job { return job{key, packet} })
	require.Len(t, jobs, 3)
	keys := NewKeys(7)
	for range 2 {
		refill()
		for _, j := range jobs {
			want := make([]byte, KeySize)
			keys.Fill(want)
			assert.Equal(t, want, j.key)
			assert.Len(t, j.packet, 100)
			assert.Equal(t, 100, cap(j.packet), "a packet does not reach into the next")
		}
	}
}

func TestPacketsLieApart(t *testing.T) {
	for _, size := range []int{1, 64, 1400, 4032, 4096, 8192, 16384, 1 << 16} {
		stride := Stride(size)
		assert.GreaterOrEqual(t, stride, size)
		assert.NotZero(t, stride%4096, "%d bytes", size)
		assert.Zero(t, stride%64)
	}
}
