package session

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// sealed gives packets as a session sends them, of the largest size: of every second session in a
// test all other sessions can open them, for they have its keys.
func sealed(t *testing.T, backend *arc4.Backend, packets int) (sent []gre.Packet) {
	p := newPair(t, backend, packets, defaultMTU)
	p.out.send(p.bufs, p.size)
	require.Equal(t, packets, p.wire.n)
	for _, data := range p.wire.sent[:p.wire.n] {
		sent = append(sent, gre.Packet{Addr: serverOuter, Data: append([]byte(nil), data...)})
	}
	return sent
}

// gap gives a session all but the second packet, a batch at a time, and reports how many reach its
// device.
func gap(p *pair, sent []gre.Packet, batch int) (delivered int) {
	now := time.Unix(1000, 0)
	p.b.receive(now, sent[:1], p.w)
	for rest := sent[2:]; len(rest) > 0; {
		n := min(batch, len(rest))
		p.b.receive(now, rest[:n], p.w)
		rest = rest[n:]
	}
	return p.dev.packets
}

// TestWindowHoldsItsBytes: in small mode a window that reaches over 2,048 packets holds a quarter
// of them, gives up the gap when more come, and loses none.
func TestWindowHoldsItsBytes(t *testing.T) {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		sizes        memory.Sizes
		early        int // packets behind the missing one
		held, passed int
	}{
		"small, as many as it may hold": {memory.SizesOf(true), 512, 512, 1},
		"small, one more":               {memory.SizesOf(true), 513, 0, 514},
		"normal":                        {memory.SizesOf(false), 2000, 2000, 1},
	} {
		t.Run(name, func(t *testing.T) {
			sent := sealed(t, backend, tc.early+2)
			p := newPair(t, backend, 0, defaultMTU, func(c *Config) { c.Sizes, c.Shared = tc.sizes, NewShared(0, tc.sizes) })
			assert.Equal(t, tc.passed, gap(p, sent, 64))
			held, _ := p.b.in.win.Held()
			assert.Equal(t, tc.held, held)
			p.b.in.shut()
			if shared := p.b.cfg.Shared.held; shared != nil {
				assert.Zero(t, shared.now.Load(), "nothing is held by a session that is shut")
			}
		})
	}
}

// TestSessionsHoldTheirBytes: a hundred sessions whose windows all wait hold no more memory than is
// counted for them, nobody loses a packet for it, and each has its own part of the windows.
func TestSessionsHoldTheirBytes(t *testing.T) {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // a pool lets go at the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	const sessions, early, batch = 100, 300, 64
	sizes := memory.SizesOf(true)
	sent := sealed(t, backend, early+2)
	shared := NewShared(0, sizes)
	before := heap()
	pairs := make([]*pair, sessions)
	total := 0
	for i := range pairs {
		p := newPair(t, backend, 0, defaultMTU, func(c *Config) { c.Sizes, c.Shared = sizes, shared })
		pairs[i] = p
		delivered := gap(p, sent, batch)
		held, _ := p.b.in.win.Held()
		require.Equal(t, early+1, delivered+held, "all are held or delivered")
		total += held
	}
	require.EqualValues(t, total, shared.held.now.Load())
	require.LessOrEqual(t, total, sizes.HeldByAll+sessions*sizes.HeldByEvery)
	require.Greater(t, total, sizes.HeldByAll/2, "the common part is used")
	taken := heap() - before
	// Each of the pairs has a second session, which holds nothing.
	bound := int64(memory.SharedBytes + 2*sessions*memory.SessionBytes(2048))
	require.LessOrEqual(t, taken, bound)
	t.Logf("%d KB of %d KB", taken>>10, bound>>10)
	for _, p := range pairs {
		p.b.in.expire(time.Unix(1001, 0))
		require.Equal(t, early+1, p.dev.packets)
	}
	require.Zero(t, shared.held.now.Load())
}
