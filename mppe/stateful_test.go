package mppe

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forEachStateful runs f for the RFC's way and Linux's.
func forEachStateful(t *testing.T, f func(t *testing.T, cfg Config)) {
	for _, linux := range []bool{false, true} {
		t.Run(fmt.Sprintf("linux=%v", linux), func(t *testing.T) {
			cfg := testConfig(128, false)
			cfg.LinuxReset = linux
			f(t, cfg)
		})
	}
}

// TestStatefulLoss loses some packets at every place around a flag packet, asks for a reset and
// goes on.
func TestStatefulLoss(t *testing.T) {
	forEachStateful(t, func(t *testing.T, cfg Config) {
		for before := 253; before < 258; before++ {
			for _, lost := range []int{1, 2, 3, 5, 9} {
				w := newWire(t, cfg, 1)
				d := newDecrypter(t, cfg)
				decrypt := func(s sent) error {
					got, err := d.Decrypt(nil, s.data, s.seq)
					if err == nil {
						require.Equal(t, s.tag, tagOf(got))
					}
					return err
				}
				for range before {
					require.NoError(t, decrypt(w.next()))
				}
				w.lose(lost, 0)
				for range 2 {
					s := w.next()
					err := decrypt(s)
					if s.data[0]&(bitFlushed>>8) != 0 {
						// A flag packet has new tables, so it ends the loss by itself.
						require.NoError(t, err)
						continue
					}
					if err != nil {
						require.ErrorIs(t, err, ErrNeedReset)
						require.True(t, d.NeedReset())
					}
				}
				w.enc.Reset()
				for range 300 {
					if err := decrypt(w.next()); err != nil || d.NeedReset() {
						require.NoError(t, err)
						require.False(t, d.NeedReset())
					}
				}
			}
		}
	})
}

// TestStatefulOutage: however many flag packets were lost, the packet that answers the
// Reset-Request is decrypted, or one of the next answers is.
func TestStatefulOutage(t *testing.T) {
	forEachStateful(t, func(t *testing.T, cfg Config) {
		for _, n := range append([]int{1, 255, 256, 257, 1000}, outages...) {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				w := newWire(t, cfg, ^uint32(0)-700)
				d := newDecrypter(t, cfg)
				for range 300 {
					w.deliver(d, w.next())
				}
				w.lose(n, 40)
				for resets := 0; ; resets++ {
					require.Less(t, resets, 4)
					before := d.Stats().Rekeys
					s := w.next()
					_, err := d.Decrypt(nil, s.data, s.seq)
					require.LessOrEqual(t, d.Stats().Rekeys-before, uint64(2*maxFlushedChanges))
					if err == nil {
						break
					}
					for range 4 {
						d.CatchUp(200)
					}
					require.True(t, d.NeedReset())
					w.enc.Reset()
				}
				for range 1000 {
					w.deliver(d, w.next())
				}
			})
		}
	})
}

// TestStatefulRandomLoss loses one packet in a hundred, with resets that come some packets later
// and are sometimes lost.
func TestStatefulRandomLoss(t *testing.T) {
	for _, linux := range []bool{false, true} {
		cfg := testConfig(56, false)
		cfg.LinuxReset = linux
		r := rand.New(rand.NewPCG(11, 12))
		w := newWire(t, cfg, 5)
		d := newDecrypter(t, cfg)
		came, wait := 0, 0
		for range 30_000 {
			s := w.next()
			if r.IntN(100) == 0 {
				continue
			}
			got, err := d.Decrypt(nil, s.data, s.seq)
			if err == nil {
				require.Equal(t, s.tag, tagOf(got))
				came++
			}
			if !d.NeedReset() {
				wait = 0
			} else if wait++; wait%10 == 3 {
				w.enc.Reset()
			}
		}
		assert.Greater(t, came, 27_000, "linux=%v %+v", linux, d.Stats())
	}
}

// TestStatefulDuplicatesAndLate are dropped without a reset, also where the peer numbers its GRE
// packets anew, so that the count alone tells.
func TestStatefulDuplicatesAndLate(t *testing.T) {
	forEachStateful(t, func(t *testing.T, cfg Config) {
		for name, renumbered := range map[string]uint32{"by sequence number": 0, "by count": 3 << 30} {
			t.Run(name, func(t *testing.T) {
				w := newWire(t, cfg, 1)
				d := newDecrypter(t, cfg)
				var all []sent
				for range 600 {
					s := w.next()
					all = append(all, s)
					w.deliver(d, s)
				}
				again := func(i int) error {
					_, err := d.Decrypt(nil, all[i].data, all[i].seq+renumbered)
					return err
				}
				assert.Equal(t, ErrDuplicate, again(599))
				assert.Equal(t, ErrLate, again(598))
				assert.Equal(t, ErrLate, again(255), "a flag packet, which has the FLUSHED bit")
				assert.False(t, d.NeedReset())
				w.deliver(d, w.next())
				s := d.Stats()
				assert.EqualValues(t, 1, s.Duplicated)
				assert.EqualValues(t, 2, s.Late)
				assert.Zero(t, s.Resets)
			})
		}
	})
}

// TestStatefulFirstPacketLost: nothing can be late before the first packet.
func TestStatefulFirstPacketLost(t *testing.T) {
	forEachStateful(t, func(t *testing.T, cfg Config) {
		for _, seq := range []uint32{0, 1, 1 << 31, ^uint32(0) - 2} {
			w := newWire(t, cfg, seq)
			d := newDecrypter(t, cfg)
			w.next()
			s := w.next()
			_, err := d.Decrypt(nil, s.data, s.seq)
			require.ErrorIs(t, err, ErrNeedReset)
			w.enc.Reset()
			w.deliver(d, w.next())
			w.deliver(d, w.next())
		}
	})
}

// TestLinuxAndRFCDiffer: the switch matters from the first reset on, and not before.
func TestLinuxAndRFCDiffer(t *testing.T) {
	cfg := testConfig(128, false)
	linux := cfg
	linux.LinuxReset = true
	a, b := newWire(t, cfg, 0), newWire(t, linux, 0)
	for range 1000 {
		require.Equal(t, a.next(), b.next())
	}
	a.enc.Reset()
	b.enc.Reset()
	assert.NotEqual(t, a.next(), b.next())
	assert.Equal(t, a.enc.Stats().Rekeys+1, b.enc.Stats().Rekeys)
}
