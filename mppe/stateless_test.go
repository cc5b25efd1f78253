package mppe

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStatelessModel sends packets over a link that loses, duplicates and reorders them, and asks
// of every arrival what a map of the packets that came would: each is decrypted once, unless it is
// too late.
func TestStatelessModel(t *testing.T) {
	for seed := range uint64(6) {
		for _, history := range []int{0, 2049, 8192} {
			t.Run(fmt.Sprintf("seed=%d/history=%d", seed, history), func(t *testing.T) {
				cfg := testConfig([]int{40, 56, 128}[seed%3], true)
				cfg.History = history
				testStatelessModel(t, cfg, rand.New(rand.NewPCG(seed, 1)))
			})
		}
	}
}

// statelessModel is what came of a session's packets, as a map tells.
type statelessModel struct {
	t                *testing.T
	d                *Decrypter
	came             map[uint32]bool
	high, history    int64
	late, duplicated uint64
}

// arrive decrypts a packet and requires what the map says of it.
func (m *statelessModel) arrive(s sent) {
	got, err := m.d.Decrypt(nil, s.data, s.seq)
	n := int64(s.tag)
	switch {
	case n < m.high-m.history:
		require.ErrorIs(m.t, err, ErrLate)
		m.late++
	case m.came[s.tag]:
		require.ErrorIs(m.t, err, ErrDuplicate)
		m.duplicated++
	default:
		require.NoError(m.t, err, "packet %d after %d", n, m.high)
		require.Equal(m.t, s.tag, tagOf(got))
		m.came[s.tag] = true
		m.high = max(m.high, n)
	}
}

func testStatelessModel(t *testing.T, cfg Config, r *rand.Rand) {
	w := newWire(t, cfg, ^uint32(0)-5000) // the sequence number wraps on the way
	history := int64(max(cfg.History+blockSize-1, leastHistory) / blockSize * blockSize)
	m := &statelessModel{t: t, d: newDecrypter(t, cfg), came: map[uint32]bool{}, high: -1, history: history}
	var held []sent
	// Loss and delay change with time: now and then a burst is lost, now and then everything waits.
	for range 60 * history / leastHistory {
		loss, delay := r.IntN(60), 1+r.IntN(int(history)-48)
		if r.IntN(4) == 0 && len(held) < lookAhead-1 {
			w.lose(r.IntN(lookAhead-len(held)-1), 7)
		}
		for range 300 {
			if r.IntN(10) == 0 {
				w.control()
			}
			s := w.next()
			if r.IntN(100) < loss {
				continue
			}
			held = append(held, s)
			if r.IntN(20) == 0 {
				held = append(held, s)
			}
			for len(held) > delay || len(held) > 0 && r.IntN(3) == 0 {
				i := r.IntN(len(held))
				// Nothing may get further ahead than the look-ahead; the oldest goes first then.
				if int64(held[i].tag) > m.high+lookAhead {
					i = 0
				}
				m.arrive(held[i])
				held = append(held[:i], held[i+1:]...)
			}
		}
		if r.IntN(5) == 0 {
			for _, s := range held {
				m.arrive(s)
			}
			held = held[:0]
		}
	}
	s := m.d.Stats()
	assert.EqualValues(t, len(m.came), s.Packets)
	assert.Equal(t, m.late, s.Late)
	assert.Equal(t, m.duplicated, s.Duplicated)
	assert.Zero(t, s.Implausible)
	// Every key was derived once.
	assert.LessOrEqual(t, s.Rekeys, uint64(m.high+1+lookAhead))
}

// TestWindowEdges: every count means one packet, from 2,048 behind to 2,047 ahead.
func TestWindowEdges(t *testing.T) {
	cfg := testConfig(128, true)
	w := newWire(t, cfg, 1)
	all := make([]sent, 12000)
	for i := range all {
		all[i] = w.next()
	}
	at := func(high int) *Decrypter {
		d := newDecrypter(t, cfg)
		for i := 0; i <= high; i += 1000 {
			w.deliver(d, all[i])
		}
		w.deliver(d, all[high])
		return d
	}
	const high = 5010
	for _, v := range []struct {
		name string
		n    int
		want error
	}{
		{"furthest behind", high - 2048, nil},
		{"one too late", high - 2049, ErrLate},
		{"furthest ahead", high + 2047, nil},
		{"one too far", high + 2048, ErrOutOfRange},
		{"the last again", high, ErrDuplicate},
	} {
		t.Run(v.name, func(t *testing.T) {
			d := at(high)
			_, err := d.Decrypt(nil, all[v.n].data, all[v.n].seq)
			assert.Equal(t, v.want, err)
		})
	}
	t.Run("before the first packet", func(t *testing.T) {
		d := newDecrypter(t, cfg)
		_, err := d.Decrypt(nil, all[4095].data, 0)
		assert.Equal(t, ErrLate, err)
		_, err = d.Decrypt(nil, all[2046].data, all[2046].seq)
		assert.NoError(t, err)
	})
}

// TestHistoryIsCheap: packets in order keep next to no keys, and a scattered session keeps no more
// than the window.
func TestHistoryIsCheap(t *testing.T) {
	cfg := testConfig(128, true)
	w := newWire(t, cfg, 1)
	d := newDecrypter(t, cfg)
	kept := func() (n int) {
		for _, b := range d.stateless.store.blocks {
			if b != nil {
				n++
			}
		}
		return n
	}
	for range 10000 {
		w.deliver(d, w.next())
		require.LessOrEqual(t, kept(), 1)
	}
	assert.LessOrEqual(t, len(d.stateless.store.spare), 1)
	for range 20 {
		w.lose(lookAhead-1, 0)
		w.deliver(d, w.next())
		require.LessOrEqual(t, kept(), countSpace/blockSize+1)
	}
	for range 10000 {
		w.deliver(d, w.next())
	}
	assert.LessOrEqual(t, kept(), 2)
	assert.LessOrEqual(t, len(d.stateless.store.spare), countSpace/blockSize+2)
}

// A Decrypter that believes everything would go where anybody's packets lead it.
func TestJudgeIsMandatory(t *testing.T) {
	for _, stateless := range []bool{true, false} {
		cfg := testConfig(128, stateless)
		cfg.Plausible = nil
		_, err := NewDecrypter(cfg)
		require.ErrorContains(t, err, "no Config.Plausible")
	}
}

func TestHistoryIsBounded(t *testing.T) {
	for history, want := range map[int]string{
		-1:        "mppe: history of -1 packets: must be 0 to 1048576",
		1<<20 + 1: "mppe: history of 1048577 packets: must be 0 to 1048576",
		1 << 20:   "",
	} {
		cfg := testConfig(128, true)
		cfg.History = history
		if _, err := NewDecrypter(cfg); want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, want)
		}
	}
}

// Packets under old numbers cost their trial and that of their count, and what they made the chain
// derive is kept.
func TestOldForgedPacketsCostAConstant(t *testing.T) {
	cfg := testConfig(128, true)
	cfg.History = 1 << 14
	w, d := newWire(t, cfg, 0), newDecrypter(t, cfg)
	first := w.next()
	for range 12000 {
		w.deliver(d, w.next())
	}
	derived := d.Stats().Rekeys
	r := rand.New(rand.NewPCG(1, 1))
	for i := range uint32(3000) {
		throw(t, d, forge(r, uint16(i), 60), i)
	}
	assert.LessOrEqual(t, d.Stats().Rekeys-derived, uint64(lookAhead))
	assert.Zero(t, d.Stats().Resyncs)
	got, err := d.Decrypt(nil, first.data, first.seq)
	require.NoError(t, err, "12,000 packets late")
	assert.Equal(t, first.tag, tagOf(got))
}
