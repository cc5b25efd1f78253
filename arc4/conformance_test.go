package arc4_test

import (
	"bytes"
	"crypto/rc4"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
)

// conformance is what every backend has to do, in the same way.
var conformance = []struct {
	name  string
	check func(t *testing.T, b *arc4.Backend)
}{
	{"RFC 6229", checkVectors},
	{"self-test", func(t *testing.T, b *arc4.Backend) { require.NoError(t, b.SelfTest()) }},
	{"key lengths", checkKeyLengths},
	{"refused keys", checkRefusedKeys},
	{"random lengths and splits", checkSplits},
	{"alignments", checkAlignments},
	{"every index", checkEveryIndex},
	{"long input", checkLong},
	{"exact overlap", checkExactOverlap},
	{"inexact overlap", checkInexactOverlap},
	{"dst and src of different lengths", checkLengths},
	{"empty input", checkEmpty},
	{"SetKey", checkSetKey},
	{"batch", checkBatch},
	{"batch refused", checkBatchRefused},
	{"no allocation", checkAllocations},
	{"concurrent use", checkConcurrent},
}

// TestConformance runs the suite for every backend there is. One that cannot
// run here shows as a sub-test that says why and checks nothing; it is not
// skipped, because no machine runs the assembly of all architectures.
func TestConformance(t *testing.T) {
	ran := 0
	for _, b := range arc4.Known() {
		t.Run(b.Name(), func(t *testing.T) {
			if why := b.Missing(); why != "" {
				t.Logf("backend %s cannot run here: %s", b.Name(), why)
				return
			}
			ran++
			for _, c := range conformance {
				t.Run(c.name, func(t *testing.T) { c.check(t, b) })
			}
		})
	}
	assert.Len(t, arc4.Backends(), ran, "every backend that runs here was checked")
}

func newCipher(t testing.TB, b *arc4.Backend, key []byte) *arc4.Cipher {
	t.Helper()
	c, err := b.New(key)
	require.NoError(t, err)
	return c
}

// wanted is src under the first bytes of key's stream, by the standard library.
func wanted(t testing.TB, key, src []byte) []byte {
	t.Helper()
	c, err := rc4.NewCipher(key)
	require.NoError(t, err)
	dst := make([]byte, len(src))
	c.XORKeyStream(dst, src)
	return dst
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

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

// checkEveryIndex starts a long call at each of the 256 values of i.
func checkEveryIndex(t *testing.T, b *arc4.Backend) {
	r := rand.New(rand.NewPCG(4, 4))
	for first := range 257 {
		key, src := randomBytes(r, 16), randomBytes(r, first+700)
		got := make([]byte, len(src))
		c := newCipher(t, b, key)
		c.XORKeyStream(got[:first], src[:first])
		c.XORKeyStream(got[first:], src[first:])
		require.Equal(t, wanted(t, key, src), got, "second call from byte %d", first)
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

// randomJobs returns jobs whose buffers overlap exactly, or not at all, and
// what has to come out.
func randomJobs(t testing.TB, r *rand.Rand, n int) (jobs []arc4.Job, want [][]byte) {
	t.Helper()
	for range n {
		src := randomBytes(r, r.IntN(300))
		j := arc4.Job{Key: randomBytes(r, 1+r.IntN(40)), Dst: src, Src: src}
		if r.IntN(2) == 0 {
			j.Dst = make([]byte, len(src)+r.IntN(3))
		}
		want = append(want, wanted(t, j.Key, src))
		jobs = append(jobs, j)
	}
	return jobs, want
}

func checkBatch(t *testing.T, b *arc4.Backend) {
	assert.GreaterOrEqual(t, b.Streams(), 1)
	r := rand.New(rand.NewPCG(7, 7))
	b.XORKeyStreams(nil)
	for n := range 20 {
		jobs, want := randomJobs(t, r, n)
		b.XORKeyStreams(jobs)
		for k := range jobs {
			require.Equal(t, want[k], jobs[k].Dst[:len(want[k])], "job %d of %d", k, n)
		}
	}
}

func checkBatchRefused(t *testing.T, b *arc4.Backend) {
	buf := make([]byte, 64)
	good := arc4.Job{Key: []byte("Key"), Dst: make([]byte, 10), Src: make([]byte, 10)}
	for _, c := range []struct {
		name string
		bad  arc4.Job
		want string
	}{
		{"no key", arc4.Job{Dst: buf, Src: buf}, "invalid key size 0"},
		{"long key", arc4.Job{Key: make([]byte, 257), Dst: buf, Src: buf}, "invalid key size 257"},
		{"short dst", arc4.Job{Key: []byte("Key"), Dst: buf[:9], Src: buf[:10]}, "output smaller than input"},
		{"overlap", arc4.Job{Key: []byte("Key"), Dst: buf[1:11], Src: buf[:10]}, "invalid buffer overlap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				assert.Contains(t, fmt.Sprint(recover()), c.want)
				assert.Equal(t, make([]byte, 10), good.Dst, "nothing was written")
			}()
			b.XORKeyStreams([]arc4.Job{good, c.bad})
		})
	}
}

func checkAllocations(t *testing.T, b *arc4.Backend) {
	key, odd := []byte("sixteen byte key"), []byte("13 bytes long")
	buf := make([]byte, 1400)
	c := newCipher(t, b, key)
	jobs := []arc4.Job{{Key: key, Dst: buf, Src: buf}, {Key: odd, Dst: buf[:7], Src: buf[:7]}}
	for _, m := range []struct {
		name string
		f    func()
	}{
		{"XORKeyStream", func() { c.XORKeyStream(buf, buf) }},
		{"SetKey", func() { _ = c.SetKey(key) }},
		{"SetKey, odd length", func() { _ = c.SetKey(odd) }},
		{"XORKeyStreams", func() { b.XORKeyStreams(jobs) }},
	} {
		assert.Zero(t, testing.AllocsPerRun(100, m.f), m.name)
	}
}

func checkConcurrent(t *testing.T, b *arc4.Backend) {
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(8, uint64(n)))
			for range 20 {
				key, src := randomBytes(r, 16), randomBytes(r, 500)
				c, err := b.New(key)
				if !assert.NoError(t, err) {
					return
				}
				got := make([]byte, len(src))
				c.XORKeyStream(got, src)
				assert.Equal(t, wanted(t, key, src), got)
				jobs, want := randomJobs(t, r, 5)
				b.XORKeyStreams(jobs)
				for k := range jobs {
					assert.Equal(t, want[k], jobs[k].Dst[:len(want[k])])
				}
			}
		})
	}
	wg.Wait()
}
