package arc4_test

import (
	"crypto/rc4"
	"encoding/binary"
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
	{"batches of any size", checkBatchSizes},
	{"batches of equal jobs", checkEqualJobs},
	{"a long job among short ones", checkLongJob},
	{"empty jobs", checkEmptyJobs},
	{"jobs that share what they read", checkSharedJobs},
	{"batch refused", checkBatchRefused},
	{"no allocation", checkAllocations},
	{"no allocation in batches", checkBatchAllocations},
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
			conforms(t, b)
		})
	}
	assert.Len(t, arc4.Backends(), ran, "every backend that runs here was checked")
}

// TestConformanceOfSeveral runs the suite for backends put together from others.
func TestConformanceOfSeveral(t *testing.T) {
	for _, name := range []string{"unrolled,reference", "u32,reference,unrolled"} {
		t.Run(name, func(t *testing.T) {
			b, err := arc4.Lookup(name)
			require.NoError(t, err)
			require.Equal(t, name, b.Name())
			conforms(t, b)
		})
	}
}

func conforms(t *testing.T, b *arc4.Backend) {
	for _, c := range conformance {
		t.Run(c.name, func(t *testing.T) { c.check(t, b) })
	}
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
	b := make([]byte, (n+7)&^7)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return b[:n:n]
}

func checkAllocations(t *testing.T, b *arc4.Backend) {
	key, odd := []byte("sixteen byte key"), []byte("13 bytes long")
	buf := make([]byte, 1400)
	c := newCipher(t, b, key)
	for _, m := range []struct {
		name string
		f    func()
	}{
		{"XORKeyStream", func() { c.XORKeyStream(buf, buf) }},
		{"SetKey", func() { _ = c.SetKey(key) }},
		{"SetKey, odd length", func() { _ = c.SetKey(odd) }},
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
				a := newArena(t, r, r.IntN(20), 400)
				b.XORKeyStreams(a.jobs)
				a.check(t)
			}
		})
	}
	wg.Wait()
}
