package generic

import (
	"crypto/rc4"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oneStream is what the lanes are held against.
type oneStream struct {
	*rc4.Cipher
}

func newStream(t *testing.T, key []byte) oneStream {
	t.Helper()
	c, err := rc4.NewCipher(key)
	require.NoError(t, err)
	return oneStream{c}
}

// keyStream gives the next n bytes of the key stream.
func (o oneStream) keyStream(n int) []byte {
	b := make([]byte, n)
	o.XORKeyStream(b, b)
	return b
}

func randomKey(r *rand.Rand, n int) []byte {
	key := make([]byte, n)
	for i := range key {
		key[i] = byte(r.Uint32())
	}
	return key
}

// TestLanesFrom1ToAll has every number of keys, with lengths that divide a
// round of the key set-up and others, in every number of lanes.
func TestLanesFrom1ToAll(t *testing.T) {
	for _, length := range []int{1, 2, 3, 5, 8, 13, 16, 17, 32, 255, 256} {
		for used := 1; used <= width; used++ {
			t.Run(fmt.Sprintf("%d lanes, keys of %d bytes", used, length), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(length), uint64(used)))
				l := new(Lanes)
				require.Equal(t, width, l.Width())
				var keys, dst, src [][]byte
				var streams []oneStream
				for range used {
					keys = append(keys, randomKey(r, length))
					streams = append(streams, newStream(t, keys[len(keys)-1]))
					dst = append(dst, make([]byte, 1000))
					src = append(src, make([]byte, 1000))
				}
				l.SetKeys(keys)
				for n := range used {
					l.Start(n, n)
				}
				for _, blocks := range []int{1, 2, 13, 40} {
					l.XORBlocks(dst, src, blocks)
					for n := range used {
						assert.Equal(t, streams[n].keyStream(16*blocks), dst[n][:16*blocks], "lane %d, %d blocks", n, blocks)
						assert.Equal(t, make([]byte, 1000-16*blocks), dst[n][16*blocks:], "behind the blocks")
						clear(dst[n])
					}
				}
			})
		}
	}
}

// TestLanesOutOfStep lets streams come and go at random, as packets of unequal
// length do.
func TestLanesOutOfStep(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	l := new(Lanes)
	var streams [width]oneStream
	start := func(n int) {
		key := randomKey(r, 1+r.IntN(40))
		place := r.IntN(width)
		keys := make([][]byte, place+1)
		for k := range keys {
			keys[k] = randomKey(r, 1+r.IntN(256))
		}
		keys[place] = key
		l.SetKeys(keys)
		l.Start(n, place)
		streams[n] = newStream(t, key)
	}
	for n := range width {
		start(n)
	}
	for range 3000 {
		switch from, to := r.IntN(width), r.IntN(width); r.IntN(4) {
		case 0:
			start(to)
		case 1:
			l.Move(to, from)
			if to != from {
				streams[to] = streams[from]
				start(from)
			}
		default:
			used, blocks := 1+r.IntN(width), 1+r.IntN(20)
			buf := make([][]byte, used)
			for n := range buf {
				buf[n] = make([]byte, 16*blocks)
			}
			l.XORBlocks(buf, buf, blocks)
			for n := range buf {
				require.Equal(t, streams[n].keyStream(16*blocks), buf[n], "lane %d of %d", n, used)
			}
		}
	}
}

// TestLanesAllWidths runs the kernels that this machine's width leaves unused.
func TestLanesAllWidths(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	l := new(Lanes)
	for used := 1; used <= maxWidth; used++ {
		keys, buf := make([][]byte, used), make([][]byte, used)
		for n := range keys {
			keys[n], buf[n] = randomKey(r, 7), make([]byte, 640)
		}
		l.SetKeys(keys)
		for n := range keys {
			l.Start(n, n)
		}
		l.XORBlocks(buf, buf, 40)
		for n := range keys {
			require.Equal(t, newStream(t, keys[n]).keyStream(640), buf[n], "stream %d of %d", n, used)
		}
	}
}

func TestLanesAllocateNothing(t *testing.T) {
	l := new(Lanes)
	keys, buf := make([][]byte, width), make([][]byte, width)
	for n := range keys {
		keys[n], buf[n] = []byte{1, 2, 3}, make([]byte, 64)
	}
	assert.Zero(t, testing.AllocsPerRun(10, func() {
		l.SetKeys(keys)
		for n := range keys {
			l.Start(n, n)
		}
		l.XORBlocks(buf, buf, 4)
	}))
}
