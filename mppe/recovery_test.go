package mppe

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var outages = []int{2046, 2047, 2048, 2500, 4094, 4095, 4096, 4097, 5000, 8192, 10000, 100000}

// resume sends packets after an outage, with the timer's CatchUp between them, until the session
// has recovered, and gives how many were lost over it.
func resume(t *testing.T, w *wire, d *Decrypter, most int) int {
	t.Helper()
	for lost := range most {
		s := w.next()
		got, err := d.Decrypt(nil, s.data, s.seq)
		if err == nil {
			require.Equal(t, s.tag, tagOf(got))
			return lost
		}
		d.CatchUp(4096)
	}
	require.Fail(t, "not recovered", "after %d packets: %+v", most, d.Stats())
	return most
}

// TestOutage loses packets in a row, with control frames among them that take sequence numbers, and
// wants the session back.
func TestOutage(t *testing.T) {
	for _, n := range outages {
		for _, every := range []int{0, 50, 3000} {
			if n > 20_000 && every != 50 {
				continue // the longest takes its time, once is enough
			}
			t.Run(fmt.Sprintf("packets=%d/control=%d", n, every), func(t *testing.T) {
				cfg := testConfig(128, true)
				w := newWire(t, cfg, ^uint32(0)-3000)
				d := newDecrypter(t, cfg)
				for range 100 {
					w.deliver(d, w.next())
				}
				w.lose(n, every)
				lost := resume(t, w, d, 2+n/4096+8)
				if n < lookAhead {
					assert.Zero(t, lost, "within the look-ahead nothing is lost")
				}
				for range 600 {
					w.deliver(d, w.next())
				}
				assert.False(t, d.CatchUp(1<<20))
			})
		}
	}
}

// TestOutageWithoutTimer recovers on packets alone, each of which may make a few key changes only.
func TestOutageWithoutTimer(t *testing.T) {
	cfg := testConfig(128, true)
	w := newWire(t, cfg, 1)
	d := newDecrypter(t, cfg)
	w.deliver(d, w.next())
	w.lose(100_000, 0)
	for lost := 0; ; lost++ {
		require.Less(t, lost, 100_000/(maxInlineChanges-1)+10)
		s := w.next()
		before := d.Stats().Rekeys
		_, err := d.Decrypt(nil, s.data, s.seq)
		require.LessOrEqual(t, d.Stats().Rekeys-before, uint64(maxInlineChanges+lookAhead))
		if err == nil {
			break
		}
	}
	assert.EqualValues(t, 1, d.Stats().Resyncs)
}

// TestOutageAtTheStart: the first packets never came, so nothing tells where the sequence numbers
// began.
func TestOutageAtTheStart(t *testing.T) {
	for _, n := range []int{0, 1, 2046, 2047, 3000, 4096, 5000, 20000} {
		for first := range uint32(2) {
			cfg := testConfig(128, true)
			w := newWire(t, cfg, first)
			d := newDecrypter(t, cfg)
			for range 6 {
				w.control()
			}
			w.lose(n, 0)
			resume(t, w, d, 12)
		}
	}
	// CCP opened again in the middle of a call: the count starts at 0, the sequence number does
	// not.
	cfg := testConfig(128, true)
	w := newWire(t, cfg, 1<<30)
	d := newDecrypter(t, cfg)
	for range 5000 {
		w.deliver(d, w.next())
	}
	assert.Zero(t, d.Stats().Resyncs)
}

// TestOutageRandom lets outages, loss, reordering and control frames follow each other at random.
func TestOutageRandom(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 9))
		cfg := testConfig([]int{128, 40}[seed%2], true)
		w := newWire(t, cfg, r.Uint32())
		d := newDecrypter(t, cfg)
		w.deliver(d, w.next())
		for range 6 {
			w.lose(r.IntN(20000), 1+r.IntN(100))
			resume(t, w, d, 14)
			for range 20 {
				batch := make([]sent, 30)
				for i := range batch {
					batch[i] = w.next()
				}
				r.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
				for _, s := range batch {
					if r.IntN(10) > 0 {
						w.deliver(d, s)
					}
				}
			}
		}
	}
}

// TestOutageReordered: the packets that end the outage come in any order and some are lost.
func TestOutageReordered(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	cfg := testConfig(128, true)
	w := newWire(t, cfg, 1)
	d := newDecrypter(t, cfg)
	w.deliver(d, w.next())
	w.lose(30000, 10)
	batch := make([]sent, 40)
	for i := range batch {
		batch[i] = w.next()
	}
	r.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	came := 0
	for _, s := range batch[:30] {
		if _, err := d.Decrypt(nil, s.data, s.seq); err == nil {
			came++
		}
		d.CatchUp(4096)
	}
	assert.NotZero(t, came)
	w.deliver(d, w.next())
}

// TestSequenceRestart: a peer that counts its sequence numbers anew, or at random, goes on being
// understood.
func TestSequenceRestart(t *testing.T) {
	cfg := testConfig(128, true)
	r := rand.New(rand.NewPCG(8, 8))
	for _, restart := range []func(uint32) uint32{
		func(uint32) uint32 { return 0 },
		func(s uint32) uint32 { return s + 1<<31 },
		func(s uint32) uint32 { return s - 3000 },
		func(s uint32) uint32 { return s + 3000 },
		func(s uint32) uint32 { return s - 1<<20 },
		func(uint32) uint32 { return r.Uint32() },
	} {
		w := newWire(t, cfg, 1<<24)
		d := newDecrypter(t, cfg)
		for range 30 {
			for range 10 {
				w.deliver(d, w.next())
			}
			w.seq = restart(w.seq)
		}
		assert.Zero(t, d.Stats().Resyncs)
	}
}
