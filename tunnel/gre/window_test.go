package gre

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSendWindowStartsAtHalfAndOpensByOne(t *testing.T) {
	w := NewSendWindow(8, 1, 0)
	now, seq := epoch, uint32(0)
	for want := 4; want <= 8; want++ {
		require.Equal(t, want, w.Size())
		for w.Open() {
			w.Sent(now)
			seq++
		}
		require.Equal(t, want, w.Outstanding())
		now = now.Add(10 * time.Millisecond)
		w.Acked(now, seq)
		require.Zero(t, w.Outstanding())
	}
	for range 8 {
		w.Sent(now)
		seq++
	}
	w.Acked(now, seq)
	assert.Equal(t, 8, w.Size(), "the peer's offer is the limit")
}

func TestSendWindowHalvesOnTimeout(t *testing.T) {
	w := NewSendWindow(10, 1, time.Second)
	for w.Open() {
		w.Sent(epoch)
	}
	at, ok := w.Deadline()
	require.True(t, ok)
	assert.Equal(t, epoch.Add(time.Second), at)
	w.Tick(at.Add(-1))
	require.Equal(t, 5, w.Size())
	w.Tick(at)
	assert.Equal(t, 3, w.Size(), "rounded up")
	assert.True(t, w.Open())
	w.Sent(at)
	next, _ := w.Deadline()
	assert.Equal(t, at.Add(2*time.Second), next, "backed off")
	for range 10 {
		next, ok = w.Deadline()
		if ok {
			w.Tick(next)
		}
		w.Sent(next)
	}
	assert.Equal(t, 1, w.Size(), "never less than one")
}

func TestSendWindowIgnoresForgedAndOldAcks(t *testing.T) {
	w := NewSendWindow(64, 0xFFFFFFFE, 0)
	for range 5 { // 0xFFFFFFFE .. 2
		w.Sent(epoch)
	}
	for _, ack := range []uint32{3, 1000, 0x7FFFFFFF, 0xFFFFFFFD, 0xFFFFFFF0} {
		w.Acked(epoch, ack)
		require.Equal(t, 5, w.Outstanding(), "ack %#x", ack)
	}
	w.Acked(epoch, 0)
	assert.Equal(t, 2, w.Outstanding())
	w.Acked(epoch, 0)
	assert.Equal(t, 2, w.Outstanding())
}

func TestSendWindowOfAnAbsurdSize(t *testing.T) {
	assert.Equal(t, 1, NewSendWindow(0, 1, 0).Size())
	assert.Equal(t, 1, NewSendWindow(-5, 1, 0).Size())
	assert.Equal(t, 1<<15, NewSendWindow(1<<30, 1, 0).Size())
}

func TestSendWindowNeverStrays(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		limit := 1 + rnd.IntN(20)
		first := rnd.Uint32()
		w := NewSendWindow(limit, first, 0)
		now, sent := epoch, first-1
		for range 500 {
			now = now.Add(time.Duration(rnd.IntN(100)) * time.Millisecond)
			switch rnd.IntN(4) {
			case 0, 1: // even a caller that does not ask
				w.Sent(now)
				sent++
			case 2:
				w.Acked(now, sent-uint32(rnd.IntN(limit+4))+2)
			case 3:
				w.Tick(now)
			}
			require.GreaterOrEqual(t, w.Outstanding(), 0)
			require.LessOrEqual(t, w.Outstanding(), limit)
			require.GreaterOrEqual(t, w.Size(), 1)
			require.LessOrEqual(t, w.Size(), limit)
		}
	}
}
