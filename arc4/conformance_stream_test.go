package arc4_test

import (
	"bytes"
	"crypto/rc4"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
)

func checkVectors(t *testing.T, b *arc4.Backend) {
	offsets, keys, streams := arc4.RFC6229()
	require.Len(t, keys, 14, "seven key lengths, two keys each")
	for n, text := range keys {
		key, err := hex.DecodeString(text)
		require.NoError(t, err)
		t.Run(fmt.Sprintf("%d bits %s", 8*len(key), text), func(t *testing.T) {
			whole := make([]byte, 4096+16)
			newCipher(t, b, key).XORKeyStream(whole, whole)
			stepped := newCipher(t, b, key)
			at := 0
			for k, want := range streams[n] {
				offset := offsets[k]
				assert.Equal(t, want, hex.EncodeToString(whole[offset:offset+16]), "offset %d, in one call", offset)
				stepped.XORKeyStream(make([]byte, offset-at), make([]byte, offset-at))
				got := make([]byte, 16)
				stepped.XORKeyStream(got, got)
				assert.Equal(t, want, hex.EncodeToString(got), "offset %d, in a call of its own", offset)
				at = offset + 16
			}
		})
	}
}

func checkKeyLengths(t *testing.T, b *arc4.Backend) {
	r := rand.New(rand.NewPCG(1, 1))
	c := newCipher(t, b, []byte{0})
	for length := 1; length <= arc4.MaxKeySize; length++ {
		key, src := randomBytes(r, length), randomBytes(r, 600)
		got := make([]byte, len(src))
		newCipher(t, b, key).XORKeyStream(got, src)
		require.Equal(t, wanted(t, key, src), got, "New, %d bytes of key", length)
		require.NoError(t, c.SetKey(key))
		c.XORKeyStream(got, src)
		require.Equal(t, wanted(t, key, src), got, "SetKey, %d bytes of key", length)
	}
}

func checkRefusedKeys(t *testing.T, b *arc4.Backend) {
	for _, length := range []int{0, 257, 1000} {
		c, err := b.New(make([]byte, length))
		assert.Nil(t, c)
		var size arc4.KeySizeError
		require.ErrorAs(t, err, &size)
		assert.Equal(t, length, int(size))
		assert.ErrorContains(t, err, fmt.Sprintf(" %d,", length))

		c = newCipher(t, b, []byte("Key"))
		require.ErrorIs(t, c.SetKey(make([]byte, length)), arc4.KeySizeError(length))
		got := make([]byte, 100)
		c.XORKeyStream(got, got)
		assert.Equal(t, wanted(t, []byte("Key"), make([]byte, 100)), got, "the old stream goes on")
	}
}

func checkSplits(t *testing.T, b *arc4.Backend) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		key, src := randomBytes(r, 1+r.IntN(32)), randomBytes(r, r.IntN(5000))
		got := make([]byte, len(src))
		c := newCipher(t, b, key)
		longest := 1 + r.IntN(1<<r.IntN(12))
		var cuts []int
		for at := 0; at < len(src); {
			n := min(r.IntN(longest+1), len(src)-at)
			c.XORKeyStream(got[at:at+n], src[at:at+n])
			at += n
			cuts = append(cuts, n)
		}
		require.Equal(t, wanted(t, key, src), got, "key %x, pieces %v", key, cuts)
	}
}

// checkAlignments puts dst and src at every place in a 64-bit word and sees
// that nothing beside dst changes.
func checkAlignments(t *testing.T, b *arc4.Backend) {
	r := rand.New(rand.NewPCG(3, 3))
	c := newCipher(t, b, []byte{0})
	for d := range 8 {
		for s := range 8 {
			for _, length := range []int{1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 100, 257} {
				key := randomBytes(r, 16)
				src := randomBytes(r, 8+length+8)
				dst := randomBytes(r, 8+length+8)
				before, input := bytes.Clone(dst), bytes.Clone(src)
				require.NoError(t, c.SetKey(key))
				c.XORKeyStream(dst[d:d+length], src[s:s+length])
				copy(before[d:], wanted(t, key, input[s:s+length]))
				require.Equal(t, before, dst, "dst+%d, src+%d, %d bytes", d, s, length)
				require.Equal(t, input, src, "src is only read")
			}
		}
	}
}

// checkEveryIndex starts a long call at each of the 256 values of i, with buffers that have words
// where i is a multiple of 4, and half a word from there.
func checkEveryIndex(t *testing.T, b *arc4.Backend) {
	r := rand.New(rand.NewPCG(4, 4))
	for first := range 257 {
		for _, shift := range []int{0, 2} {
			key, src := randomBytes(r, 16), randomBytes(r, shift+first+700)[shift:]
			got := make([]byte, shift+len(src))[shift:]
			c := newCipher(t, b, key)
			c.XORKeyStream(got[:first], src[:first])
			c.XORKeyStream(got[first:], src[first:])
			require.Equal(t, wanted(t, key, src), got, "second call from byte %d, buffers shifted by %d", first, shift)
		}
	}
}

// checkLong has inputs long enough for a backend to cut them into stretches.
func checkLong(t *testing.T, b *arc4.Backend) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, length := range []int{1<<16 - 1, 1 << 16, 1<<16 + 1, 200001} {
		key, src := randomBytes(r, 16), randomBytes(r, length)
		got := make([]byte, length)
		newCipher(t, b, key).XORKeyStream(got, src)
		require.True(t, bytes.Equal(wanted(t, key, src), got), "%d bytes", length)
	}
}

func checkExactOverlap(t *testing.T, b *arc4.Backend) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, length := range []int{1, 15, 16, 17, 64, 1400, 4096} {
		key, buf := randomBytes(r, 16), randomBytes(r, length)
		want := wanted(t, key, buf)
		newCipher(t, b, key).XORKeyStream(buf, buf)
		require.Equal(t, want, buf, "%d bytes", length)
	}
}

func checkInexactOverlap(t *testing.T, b *arc4.Backend) {
	buf := make([]byte, 200)
	for _, c := range []struct {
		name     string
		dst, src []byte
		panics   bool
	}{
		{"dst one byte after", buf[1:101], buf[0:100], true},
		{"dst one byte before", buf[0:100], buf[1:101], true},
		{"last byte of src", buf[99:199], buf[0:100], true},
		{"first byte of src", buf[0:100], buf[99:199], true},
		{"src right after dst", buf[0:100], buf[100:200], false},
		{"dst right after src", buf[100:200], buf[0:100], false},
		{"only the unused end of dst", buf[0:200], buf[100:200], false},
		{"longer dst from the same byte", buf[0:200], buf[0:100], false},
	} {
		t.Run(c.name, func(t *testing.T) {
			standard, err := rc4.NewCipher([]byte("Key"))
			require.NoError(t, err)
			ours := newCipher(t, b, []byte("Key"))
			if c.panics {
				assert.Panics(t, func() { standard.XORKeyStream(c.dst, c.src) })
				assert.PanicsWithValue(t, "arc4: invalid buffer overlap", func() { ours.XORKeyStream(c.dst, c.src) })
				return
			}
			assert.NotPanics(t, func() { standard.XORKeyStream(c.dst, c.src) })
			assert.NotPanics(t, func() { ours.XORKeyStream(c.dst, c.src) })
		})
	}
}

func checkLengths(t *testing.T, b *arc4.Backend) {
	c := newCipher(t, b, []byte("Key"))
	assert.Panics(t, func() { c.XORKeyStream(make([]byte, 9), make([]byte, 10)) })
	assert.Panics(t, func() { c.XORKeyStream(make([]byte, 9, 20), make([]byte, 10)) }, "capacity does not count")
	assert.Panics(t, func() { c.XORKeyStream(nil, make([]byte, 10)) })

	dst := bytes.Repeat([]byte{0xee}, 50)
	c.XORKeyStream(dst, make([]byte, 37))
	assert.Equal(t, wanted(t, []byte("Key"), make([]byte, 37)), dst[:37], "a refused call uses no key stream")
	assert.Equal(t, bytes.Repeat([]byte{0xee}, 13), dst[37:])
}

func checkEmpty(t *testing.T, b *arc4.Backend) {
	c := newCipher(t, b, []byte("Key"))
	buf := make([]byte, 20)
	c.XORKeyStream(nil, nil)
	c.XORKeyStream(buf, nil)
	c.XORKeyStream(buf[20:], buf[20:])
	c.XORKeyStream(nil, buf[3:3])
	assert.Equal(t, make([]byte, 20), buf)
	c.XORKeyStream(buf, buf)
	assert.Equal(t, wanted(t, []byte("Key"), make([]byte, 20)), buf)
}

func checkSetKey(t *testing.T, b *arc4.Backend) {
	r := rand.New(rand.NewPCG(6, 6))
	used := newCipher(t, b, []byte("Key"))
	for range 50 {
		used.XORKeyStream(make([]byte, 1000), make([]byte, r.IntN(1000)))
		key := randomBytes(r, 1+r.IntN(arc4.MaxKeySize))
		require.NoError(t, used.SetKey(key))
		got := make([]byte, 300)
		used.XORKeyStream(got, got)
		want := make([]byte, 300)
		newCipher(t, b, key).XORKeyStream(want, want)
		require.Equal(t, want, got, "key %x", key)
	}
}
