//go:build !purego

package asm

import (
	"bytes"
	"crypto/rc4"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// model is what lanes should be: the standard library's streams.
type model struct {
	t    testing.TB
	own  Lanes
	wait []*rc4.Cipher // nil where no key has been set up
	busy []*rc4.Cipher // nil where nothing was started
}

func newModel(t testing.TB) *model {
	l := newQuad(setKeyAhead, xorBytesAhead)
	return &model{t: t, own: l, wait: make([]*rc4.Cipher, l.Width()), busy: make([]*rc4.Cipher, l.Width())}
}

// copyOf is a stream that goes on where c is now.
func copyOf(c *rc4.Cipher) *rc4.Cipher {
	if c == nil {
		return nil
	}
	other := *c
	return &other
}

func (m *model) setKeys(keys [][]byte) {
	m.own.SetKeys(keys)
	for n, key := range keys {
		c, err := rc4.NewCipher(key)
		require.NoError(m.t, err)
		m.wait[n] = c
	}
	clear(m.wait[len(keys):]) // the assembly may have used their places
}

func (m *model) start(lane, n int) {
	m.own.Start(lane, n)
	m.busy[lane] = copyOf(m.wait[n])
}

func (m *model) move(to, from int) {
	m.own.Move(to, from)
	m.busy[to] = copyOf(m.busy[from])
}

func (m *model) startAll() {
	m.own.(*quad).StartAll()
	m.busy, m.wait = m.wait, make([]*rc4.Cipher, m.own.Width())
}

// xor does blocks of the first n lanes and compares what comes out, and what is
// around it. Lanes without a stream are run, but not compared.
func (m *model) xor(r *rand.Rand, n, blocks int) {
	const edge = 16
	length := blocks * keyBlock
	var dst, src, areas, before, input [][]byte
	for range n {
		from, to := r.IntN(edge), r.IntN(edge)
		s := random(r, edge+length+edge)
		d := random(r, edge+length+edge)
		if r.IntN(2) == 0 { // in place
			d, to = s, from
		}
		src, dst = append(src, s[from:from+length+r.IntN(edge)]), append(dst, d[to:to+length])
		areas, before = append(areas, d), append(before, bytes.Clone(d))
		input = append(input, bytes.Clone(s[from:from+length]))
	}
	m.own.XORBlocks(dst, src, blocks)
	for l := range n {
		if m.busy[l] == nil {
			continue
		}
		at := cap(areas[l]) - cap(dst[l])
		m.busy[l].XORKeyStream(before[l][at:at+length], input[l])
		require.Equal(m.t, before[l], areas[l], "lane %d of %d, %d blocks", l, n, blocks)
	}
	clear(m.busy[n:]) // the assembly may have run them
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for k := range b {
		b[k] = byte(r.Uint32())
	}
	return b
}

// randomKey is as long as keys are in practice, or as they may be.
func randomKey(r *rand.Rand) []byte {
	usual := []int{1, 2, 4, 5, 8, 13, 16, 16, 16}
	if r.IntN(2) == 0 {
		return random(r, usual[r.IntN(len(usual))])
	}
	return random(r, 1+r.IntN(256))
}

// act does what one byte says.
func (m *model) act(r *rand.Rand, op byte) {
	w := m.own.Width()
	switch op % 6 {
	case 0:
		var keys [][]byte
		for range 1 + r.IntN(w) {
			keys = append(keys, randomKey(r))
		}
		m.setKeys(keys)
	case 1:
		m.start(r.IntN(w), r.IntN(w))
	case 2:
		m.move(r.IntN(w), r.IntN(w))
	case 3:
		m.startAll()
	default:
		m.xor(r, 1+r.IntN(w), 1+r.IntN(40))
	}
}

func TestLanes(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := newModel(t)
		for range 60 {
			m.act(r, byte(r.Uint32()))
		}
	}
}

func FuzzLanes(f *testing.F) {
	f.Add(uint64(1), []byte{0, 1, 1, 1, 1, 5, 2, 4, 0, 1, 5})
	f.Add(uint64(2), []byte{0, 1, 5, 0, 1, 5, 5, 2, 5, 0, 3, 4})
	f.Fuzz(func(t *testing.T, seed uint64, ops []byte) {
		r := rand.New(rand.NewPCG(seed, 2))
		m := newModel(t)
		for _, op := range ops[:min(len(ops), 100)] {
			m.act(r, op)
		}
	})
}

func TestLanesKeyLengths(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	m := newModel(t)
	for n := 1; n <= m.own.Width(); n++ {
		for length := 1; length <= 256; length++ {
			keys := [][]byte{random(r, length)}
			for len(keys) < n {
				keys = append(keys, randomKey(r))
			}
			r.Shuffle(n, func(a, b int) { keys[a], keys[b] = keys[b], keys[a] })
			m.setKeys(keys)
			for l := range n {
				m.start(l, l)
			}
			m.xor(r, n, 2)
		}
	}
}

// TestLanesEveryIndex starts lanes at different times, so that each pair of
// indices that lanes can have next to each other is met, wrapping included.
func TestLanesEveryIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	m := newModel(t)
	w := m.own.Width()
	for shift := range 16 {
		for n := 2; n <= w; n++ {
			for l := range n {
				if l > 0 && shift > 0 {
					m.xor(r, l, shift)
				}
				m.setKeys([][]byte{random(r, 16)})
				m.start(l, 0)
			}
			m.xor(r, n, 17)
		}
	}
}

func TestLanesLong(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for n := 1; n <= width; n++ {
		for _, blocks := range []int{longRun - 1, longRun, longRun + 1, 3*longRun + 5} {
			t.Run(fmt.Sprintf("%d lanes, %d blocks", n, blocks), func(t *testing.T) {
				m := newModel(t)
				m.setKeys([][]byte{random(r, 16), random(r, 5), random(r, 16), random(r, 8)})
				for l := range n {
					m.start(l, l)
				}
				m.xor(r, n, blocks)
				m.xor(r, n, 3)
			})
		}
	}
}

func TestLanesForgetBuffers(t *testing.T) {
	q := newQuad(setKeyAhead, xorBytesAhead).(*quad)
	q.SetKeys([][]byte{{1}, {2}, {3}, {4}})
	q.StartAll()
	buf := make([]byte, 48)
	q.XORBlocks([][]byte{buf[:16], buf[16:32], buf[32:]}, [][]byte{buf[:16], buf[16:32], buf[32:]}, 1)
	assert.Equal(t, [width][]byte{}, q.dst)
	assert.Equal(t, [width][]byte{}, q.src)
}

func TestLanesNoAllocation(t *testing.T) {
	l := newQuad(setKeyAhead, xorBytesAhead)
	keys := [][]byte{make([]byte, 16), make([]byte, 5), make([]byte, 256), make([]byte, 16)}
	buf := make([][]byte, width)
	for k := range buf {
		buf[k] = make([]byte, 64)
	}
	for n := 1; n <= width; n++ {
		assert.Zero(t, testing.AllocsPerRun(20, func() {
			l.SetKeys(keys[:n])
			l.Start(0, 0)
			l.Move(n-1, 0)
			l.XORBlocks(buf[:n], buf[:n], 4)
		}), "%d lanes", n)
	}
}
