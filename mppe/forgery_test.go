package mppe

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// attacked is a session that has been going on for a while.
func attacked(t *testing.T) (*wire, *Decrypter, *rand.Rand) {
	cfg := testConfig(128, true)
	w := newWire(t, cfg, ^uint32(0)-900)
	d := newDecrypter(t, cfg)
	for range 1000 {
		w.deliver(d, w.next())
	}
	return w, d, rand.New(rand.NewPCG(42, 43))
}

// mostPerPacket is the most key changes that one packet may ever cost.
const mostPerPacket = lookAhead + maxInlineChanges

// throw delivers a forged packet, which must come to nothing at a bounded price.
func throw(t *testing.T, d *Decrypter, packet []byte, seq uint32) {
	t.Helper()
	before, high := d.Stats(), d.high
	_, err := d.Decrypt(nil, packet, seq)
	require.Error(t, err)
	after := d.Stats()
	require.LessOrEqual(t, after.Rekeys-before.Rekeys, uint64(mostPerPacket))
	require.Equal(t, before.Packets, after.Packets)
	require.Equal(t, high, d.high)
}

// goesOn wants every packet of the session from now on.
func goesOn(t *testing.T, w *wire, d *Decrypter) {
	t.Helper()
	for range 6000 {
		w.deliver(d, w.next())
	}
	assert.Zero(t, d.Stats().Resyncs)
	assert.False(t, d.CatchUp(1000))
}

func TestForgedAtRandom(t *testing.T) {
	w, d, r := attacked(t)
	derived := d.Stats().Rekeys
	for range 70_000 {
		throw(t, d, forge(r, uint16(r.Uint32()), 1+r.IntN(100)), r.Uint32())
	}
	// The look-ahead once, and the way to what few targets two random packets agree on.
	assert.Less(t, d.Stats().Rekeys-derived, uint64(lookAhead+70_000))
	goesOn(t, w, d)
}

func TestForgedAtEveryCount(t *testing.T) {
	w, d, r := attacked(t)
	derived := d.Stats().Rekeys
	for count := range uint16(countSpace) {
		throw(t, d, forge(r, count, 60), w.seq)
	}
	assert.EqualValues(t, lookAhead, d.Stats().Rekeys-derived)
	for count := range uint16(countSpace) {
		throw(t, d, forge(r, count, 60), w.seq)
	}
	assert.EqualValues(t, lookAhead, d.Stats().Rekeys-derived, "keys once derived are kept")
	goesOn(t, w, d)
}

// TestForgedAmongGenuine: whoever looks far ahead all the time pays us one key change for each
// packet that comes.
func TestForgedAmongGenuine(t *testing.T) {
	w, d, r := attacked(t)
	derived := d.Stats().Rekeys
	for range 3000 {
		w.deliver(d, w.next())
		throw(t, d, forge(r, uint16(d.high+lookAhead), 60), w.seq)
	}
	assert.EqualValues(t, lookAhead+3000, d.Stats().Rekeys-derived)
	goesOn(t, w, d)
}

func TestForgedFarSequences(t *testing.T) {
	for _, far := range []uint32{2048, 3000, 4096, 100_000, 1 << 20, 1<<31 - 1, 1 << 31, 1<<32 - 5000} {
		w, d, r := attacked(t)
		// A whole stream that continues itself, and the timer that runs while it is believed
		// possible.
		for i := range uint32(500) {
			throw(t, d, forge(r, uint16(w.enc.next)+uint16(i), 60), w.seq+far+i)
			d.CatchUp(1000)
		}
		assert.EqualValues(t, 999, d.high)
		goesOn(t, w, d)
	}
}

// TestCreditEnds: after the forger has gone, the timer stops by itself.
func TestCreditEnds(t *testing.T) {
	w, d, r := attacked(t)
	for i := range uint32(1000) {
		throw(t, d, forge(r, uint16(i), 60), w.seq+1<<30+i)
	}
	derived := d.Stats().Rekeys
	ticks := 0
	for d.CatchUp(4096) {
		ticks++
		require.Less(t, ticks, 100)
	}
	assert.LessOrEqual(t, d.Stats().Rekeys-derived, uint64(maxCredit))
	assert.False(t, d.CatchUp(4096))
	goesOn(t, w, d)
}

// TestForgedWithTimer: where a timer makes the key changes, a flood of packets that claim an outage
// makes none, however many there are in a second.
func TestForgedWithTimer(t *testing.T) {
	w, d, r := attacked(t)
	flood := func() (changes uint64) {
		before := d.Stats().Rekeys
		for i := range uint32(1000) {
			throw(t, d, forge(r, uint16(i), 60), w.seq+1<<30+i)
		}
		return d.Stats().Rekeys - before
	}
	assert.Greater(t, flood(), uint64(lookAhead+500*maxInlineChanges), "without a timer packets do it")
	require.True(t, d.CatchUp(64))
	w.deliver(d, w.next()) // which ends the look for the peer, so that the forger begins again
	assert.LessOrEqual(t, flood(), uint64(lookAhead))
	goesOn(t, w, d)
}

// TestForgedDuringOutage: forgers set targets nearer, further and behind while the session comes
// back from an outage.
func TestForgedDuringOutage(t *testing.T) {
	for _, v := range []struct {
		name   string
		far    func(r *rand.Rand) uint32 // from the last packet that came
		before int                       // pairs that come before the session does
		ratio  int                       // pairs that come with each packet of the session
	}{
		{"nearer", func(r *rand.Rand) uint32 { return 2100 + r.Uint32N(30000) }, 20, 1},
		{"further", func(r *rand.Rand) uint32 { return 50000 + r.Uint32N(1<<30) }, 60, 2},
		{"anywhere", func(r *rand.Rand) uint32 { return r.Uint32N(1 << (12 + r.Uint32N(19))) }, 60, 2},
		{"just ahead", func(r *rand.Rand) uint32 { return 40100 + r.Uint32N(50) }, 20, 3},
	} {
		t.Run(v.name, func(t *testing.T) {
			w, d, r := attacked(t)
			last := w.seq - 1
			forged := func() {
				far := v.far(r)
				count := uint16(r.Uint32())
				for i := range uint16(2) {
					_, err := d.Decrypt(nil, forge(r, count+i, 60), last+far+uint32(i))
					require.Error(t, err)
				}
			}
			w.lose(40_000, 0)
			for range v.before {
				forged()
				d.CatchUp(2000)
			}
			for lost := 0; ; lost++ {
				require.Less(t, lost, 400, "%+v", d.Stats())
				for range v.ratio {
					forged()
				}
				s := w.next()
				if _, err := d.Decrypt(nil, s.data, s.seq); err == nil {
					t.Logf("%d packets lost, %d key changes", lost, d.Stats().Rekeys)
					break
				}
				d.CatchUp(2000)
			}
			for range 3000 {
				w.deliver(d, w.next())
			}
		})
	}
}

// TestForgedStateful: the weaker mode loses packets to a forger, up to the next Reset-Request, but
// not the session.
func TestForgedStateful(t *testing.T) {
	for _, linux := range []bool{false, true} {
		cfg := testConfig(128, false)
		cfg.LinuxReset = linux
		w := newWire(t, cfg, 1)
		d := newDecrypter(t, cfg)
		r := rand.New(rand.NewPCG(7, 7))
		for range 300 {
			for range 40 {
				w.deliver(d, w.next())
			}
			for range 30 {
				packet := forge(r, uint16(r.Uint32()), 60)
				if r.IntN(2) == 0 {
					packet[0] &^= bitFlushed >> 8
				}
				before := d.Stats()
				_, err := d.Decrypt(nil, packet, w.seq+r.Uint32N(1<<(1+r.Uint32N(30))))
				require.Error(t, err)
				require.LessOrEqual(t, d.Stats().Rekeys-before.Rekeys, uint64(2*maxFlushedChanges))
				if r.IntN(4) == 0 {
					d.CatchUp(100)
				}
			}
			if d.NeedReset() {
				w.enc.Reset()
			}
		}
	}
}
