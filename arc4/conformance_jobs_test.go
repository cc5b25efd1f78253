package arc4_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/raceflag"
)

// arena is the memory that the jobs of a batch share. What they read and write
// lies close together, at any address; some jobs work in place.
type arena struct {
	jobs       []arc4.Job
	dst, src   []byte
	want, left []byte // what must be in dst and src afterwards
	given      []arc4.Job
}

// place is where a job's data is in an arena.
type place struct {
	key     int // length
	data    int // length
	gap     int // unused bytes before both dst and src
	room    int // bytes that dst is longer than src
	inPlace bool
}

// layOut makes an arena of jobs placed so, one directly behind the gap after
// another, with what r gives as keys and data.
func layOut(t testing.TB, r *rand.Rand, places []place) *arena {
	t.Helper()
	size := 8
	for _, p := range places {
		size += p.gap + p.data + p.room
	}
	a := &arena{dst: randomBytes(r, size), src: randomBytes(r, size)}
	a.want, a.left = bytes.Clone(a.dst), bytes.Clone(a.src)
	at := 0
	for _, p := range places {
		at += p.gap
		j := arc4.Job{Key: randomBytes(r, p.key), Dst: a.dst[at : at+p.data+p.room], Src: a.src[at : at+p.data]}
		if p.inPlace {
			j.Src = j.Dst[:p.data]
		}
		copy(a.want[at:], wanted(t, j.Key, j.Src))
		a.jobs = append(a.jobs, j)
		at += p.data + p.room
	}
	a.given = slices.Clone(a.jobs)
	return a
}

// newArena places so many jobs of up to longest bytes at random; most are
// directly behind another.
func newArena(t testing.TB, r *rand.Rand, jobs, longest int) *arena {
	t.Helper()
	places := make([]place, jobs)
	for n := range places {
		p := place{key: 1 + r.IntN(40), data: r.IntN(longest + 1), inPlace: r.IntN(2) == 0}
		switch r.IntN(4) {
		case 0:
			p.key = 1 + r.IntN(arc4.MaxKeySize)
		case 1:
			p.key = 16
		case 2:
			p.gap = r.IntN(10)
			p.room = r.IntN(3)
		}
		places[n] = p
	}
	return layOut(t, r, places)
}

// check sees that every job's output is there and that nothing else changed.
func (a *arena) check(t testing.TB) {
	t.Helper()
	if !bytes.Equal(a.want, a.dst) || !bytes.Equal(a.left, a.src) {
		for n, j := range a.given {
			t.Logf("job %d of %d: key of %d bytes, %d bytes of data", n+1, len(a.given), len(j.Key), len(j.Src))
		}
	}
	require.True(t, bytes.Equal(a.want, a.dst), "output, and what is beside it")
	require.True(t, bytes.Equal(a.left, a.src), "input is only read")
	require.Equal(t, len(a.given), len(a.jobs))
	for n := range a.jobs {
		require.True(t, sameSlices(a.given[n], a.jobs[n]), "job %d is left as it was", n)
	}
}

func sameSlices(a, b arc4.Job) bool {
	same := func(a, b []byte) bool {
		return len(a) == len(b) && cap(a) == cap(b) && (cap(a) == 0 || &a[:1][0] == &b[:1][0])
	}
	return same(a.Key, b.Key) && same(a.Dst, b.Dst) && same(a.Src, b.Src)
}

// checkBatchSizes has batches from no job, over fewer than there are lanes, to
// more than are put in order at a time.
func checkBatchSizes(t *testing.T, b *arc4.Backend) {
	require.GreaterOrEqual(t, b.Streams(), 1)
	r := rand.New(rand.NewPCG(7, 7))
	b.XORKeyStreams(nil)
	for jobs := range 40 {
		for _, longest := range []int{20, 300} {
			a := newArena(t, r, jobs, longest)
			b.XORKeyStreams(a.jobs)
			a.check(t)
		}
	}
	for _, jobs := range []int{1, 2, b.Streams(), b.Streams() + 1, 64, 150} {
		a := newArena(t, r, jobs, 3000)
		b.XORKeyStreams(a.jobs)
		a.check(t)
	}
	a := newArena(t, r, 600, 40)
	b.XORKeyStreams(a.jobs)
	a.check(t)
}

// checkEqualJobs has what a tunnel has most: packets of one size, in place.
func checkEqualJobs(t *testing.T, b *arc4.Backend) {
	r := rand.New(rand.NewPCG(10, 10))
	for _, size := range []int{1, 15, 16, 17, 64, 576, 1400} {
		for _, jobs := range []int{1, 5, 16, 64} {
			places := make([]place, jobs)
			for n := range places {
				places[n] = place{key: 16, data: size, inPlace: true}
			}
			a := layOut(t, r, places)
			b.XORKeyStreams(a.jobs)
			a.check(t)
		}
	}
}

// checkLongJob has one job that goes on when all others are done, long enough
// for backends to cut it into stretches.
func checkLongJob(t *testing.T, b *arc4.Backend) {
	r := rand.New(rand.NewPCG(11, 11))
	for _, at := range []int{0, 3, 39} {
		places := make([]place, 40)
		for n := range places {
			places[n] = place{key: 1 + r.IntN(20), data: r.IntN(50), gap: r.IntN(3), inPlace: n%2 == 0}
		}
		places[at].data = 200001
		a := layOut(t, r, places)
		b.XORKeyStreams(a.jobs)
		a.check(t)
	}
}

// checkEmptyJobs has jobs without data, which need no buffers but do need a key.
func checkEmptyJobs(t *testing.T, b *arc4.Backend) {
	r := rand.New(rand.NewPCG(12, 12))
	for jobs := range 30 {
		places := make([]place, jobs)
		for n := range places {
			places[n] = place{key: 1 + n, room: n % 2}
		}
		a := layOut(t, r, places)
		b.XORKeyStreams(a.jobs)
		a.check(t)
		places = append(places, place{key: 5, data: 33})
		a = layOut(t, r, places)
		b.XORKeyStreams(a.jobs)
		a.check(t)
	}
	b.XORKeyStreams([]arc4.Job{{Key: []byte("Key")}, {Key: []byte("Key"), Dst: []byte{1}}, {Key: []byte("Key"), Src: []byte{}}})
}

// checkSharedJobs has jobs with the same key and the same input, which they may
// read together.
func checkSharedJobs(t *testing.T, b *arc4.Backend) {
	r := rand.New(rand.NewPCG(13, 13))
	key, src := randomBytes(r, 16), randomBytes(r, 500)
	want := wanted(t, key, src)
	var jobs []arc4.Job
	for n := range 20 {
		length := len(src) - 17*n
		jobs = append(jobs, arc4.Job{Key: key, Dst: make([]byte, length), Src: src[:length]})
	}
	b.XORKeyStreams(jobs)
	for _, j := range jobs {
		require.Equal(t, want[:len(j.Dst)], j.Dst)
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

func checkBatchAllocations(t *testing.T, b *arc4.Backend) {
	if raceflag.Enabled {
		return // the tests run without it too
	}
	r := rand.New(rand.NewPCG(14, 14))
	for _, jobs := range []int{1, 2, 16, 64} {
		a := newArena(t, r, jobs, 1500)
		assert.Zero(t, testing.AllocsPerRun(20, func() { b.XORKeyStreams(a.jobs) }), "%d jobs", jobs)
	}
}
