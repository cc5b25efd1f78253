package reorder

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// model is the window as a definition: unbounded numbers, a map that is sorted
// when something must go, and loops over all of it.
type model struct {
	cfg         Config
	started     bool
	first, head int64
	held        map[int64]modelPacket
	delivered   map[int64]bool
	marks       map[int64]bool // numbers marked as no data, and not used by data since
	out, back   []string
	stats       Stats // Lost and Marked: those from before the last restart
	timeout     adaptiveTimeout
	epoch       time.Time
}

type modelPacket struct {
	at time.Time
	p  string
}

func newModel(cfg Config) *model {
	return &model{cfg: cfg, held: map[int64]modelPacket{}, delivered: map[int64]bool{}, marks: map[int64]bool{}, timeout: adaptiveTimeout{max: cfg.Timeout, fixed: cfg.Fixed}}
}

// since is the time since the first packet ever.
func (m *model) since(now time.Time) time.Duration {
	if m.epoch.IsZero() {
		m.epoch = now
	}
	return now.Sub(m.epoch)
}

// push uses the serial distance from the head to find which of the infinitely
// many numbers seq stands for.
func (m *model) push(now time.Time, seq uint32, p string) {
	if !m.started {
		m.started, m.first, m.head = true, int64(seq), int64(seq)
	}
	n := m.head + int64(int32(seq-uint32(m.head)))
	_, waits := m.held[n]
	late := n < m.head
	switch {
	case late && m.head-n <= int64(m.cfg.Size) && m.marks[n]:
		m.deliver(n, p)
	case waits || late && m.head-n <= int64(m.cfg.Size) && m.delivered[n]:
		m.stats.Duplicated++
		m.back = append(m.back, p)
	case late && (m.cfg.Policy != Immediate || m.head-n > int64(m.cfg.Size)):
		if m.cfg.Policy == Order && m.head-n <= int64(m.cfg.Size) {
			m.timeout.late(m.since(now), uint64(m.head-m.first))
		}
		m.stats.UnderWindow++
		m.back = append(m.back, p)
	case m.cfg.Policy != Order:
		m.deliver(n, p)
		m.first = min(m.first, n)
		m.giveUp(max(m.head, n+1))
	default:
		m.pushOrder(n, now, p)
	}
	if m.cfg.Policy == Order {
		m.expire(now)
	}
}

func (m *model) pushOrder(n int64, now time.Time, p string) {
	if floor := n - int64(m.cfg.Size) + 1; floor > m.head {
		m.giveUp(floor)
	}
	if n == m.head {
		if len(m.held) > 0 {
			m.timeout.filled(m.since(now), now.Sub(m.oldest()))
		}
		m.deliver(n, p)
		m.giveUp(n + 1)
	} else {
		m.held[n] = modelPacket{now, p}
		delete(m.marks, n)
	}
	for m.heldBytes() > m.cfg.MaxBytes || m.cfg.MaxPackets > 0 && len(m.held) > m.cfg.MaxPackets {
		m.giveUp(slices.Min(m.keys()))
	}
}

func (m *model) expire(now time.Time) {
	expired := false
	for _, n := range m.keys() {
		if h, waits := m.held[n]; waits && now.Sub(h.at) >= m.timeout.now(uint64(m.head-m.first)) {
			m.giveUp(n + 1)
			expired = true
		}
	}
	if expired {
		m.timeout.expired(m.since(now))
	}
}

// oldest is when the packet came that has waited longest.
func (m *model) oldest() (at time.Time) {
	for _, h := range m.held {
		if at.IsZero() || h.at.Before(at) {
			at = h.at
		}
	}
	return at
}

func (m *model) flush() {
	for _, n := range m.keys() {
		m.giveUp(n)
	}
}

// giveUp moves the head to n at least, and on over what waits there or is marked.
func (m *model) giveUp(n int64) {
	m.head = max(m.head, n)
	for {
		keys := m.keys()
		switch {
		case len(keys) > 0 && keys[0] <= m.head:
			m.deliver(keys[0], m.held[keys[0]].p)
			m.stats.Buffered++
			delete(m.held, keys[0])
			m.head = max(m.head, keys[0]+1)
		case m.marks[m.head]:
			m.head++
		default:
			return
		}
	}
}

func (m *model) mark(seq uint32) {
	n := m.head + int64(seq-uint32(m.head))
	if _, waits := m.held[n]; m.started && n-m.head < int64(m.cfg.Size) && !waits {
		m.marks[n] = true
		m.giveUp(m.head)
	}
}

func (m *model) restart() {
	m.flush()
	m.stats = m.counters()
	m.started, m.first, m.head = false, 0, 0
	clear(m.delivered)
	clear(m.marks)
}

func (m *model) deliver(n int64, p string) {
	m.delivered[n] = true
	delete(m.marks, n)
	m.out = append(m.out, p)
	m.stats.Accepted++
}

func (m *model) keys() []int64 {
	keys := make([]int64, 0, len(m.held))
	for n := range m.held {
		keys = append(keys, n)
	}
	slices.Sort(keys)
	return keys
}

func (m *model) heldBytes() (sum int) {
	for _, h := range m.held {
		sum += len(h.p)
	}
	return sum
}

func (m *model) deadline() (at time.Time, ok bool) {
	for _, h := range m.held {
		if t := h.at.Add(m.timeout.now(uint64(m.head - m.first))); !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// counters are the model's, with Marked and Lost from their definitions: the
// marked numbers that the head has passed, and those that were not delivered.
func (m *model) counters() Stats {
	s := m.stats
	passed := 0
	for n := range m.marks {
		if n < m.head {
			passed++
		}
	}
	s.Marked += uint64(passed)
	s.Lost += uint64(m.head-m.first) - uint64(len(m.delivered)+passed)
	return s
}

// pair drives a window and the model side by side.
type pair struct {
	t         testing.TB
	w         *Window
	m         *model
	now       time.Time
	out, back []string
	pushed    uint64
	before    uint64 // numbers from before the last restart
}

func newPair(t testing.TB, cfg Config) *pair {
	x := &pair{t: t, now: time.Unix(1_000_000, 0)}
	cfg.Release = func(p []byte) { x.back = append(x.back, string(p)) }
	w, err := New(cfg)
	require.NoError(t, err)
	x.w, x.m = w, newModel(w.cfg)
	return x
}

func (x *pair) deliver(p []byte) { x.out = append(x.out, string(p)) }

func (x *pair) push(seq uint32, size int) {
	x.pushed++
	// The payload names its packet, so that the order of delivery is compared.
	p := make([]byte, size)
	for i := range min(4, size) {
		p[i] = byte(seq >> (8 * i))
	}
	x.m.push(x.now, seq, string(p))
	x.w.Push(x.now, seq, p, x.deliver)
	x.check()
}

func (x *pair) wait(d time.Duration) { x.now = x.now.Add(d) }

func (x *pair) expire() {
	x.m.expire(x.now)
	x.w.Expire(x.now, x.deliver)
	x.check()
}

func (x *pair) flush() {
	x.m.flush()
	x.w.flush(x.deliver)
	x.check()
}

func (x *pair) mark(seq uint32) {
	x.m.mark(seq)
	x.w.Mark(seq, x.deliver)
	x.check()
}

func (x *pair) restart() {
	x.m.restart()
	x.w.flush(x.deliver)
	x.before += x.w.span
	x.w.Restart(x.deliver)
	x.check()
}

// check is called after every operation, so it avoids testify's reflection
// until something differs.
func (x *pair) check() {
	packets, bytes := x.w.Held()
	at, waits := x.w.Deadline()
	wantAt, wantWaits := x.m.deadline()
	head, started := x.w.head, x.w.started
	s := x.w.Stats()
	if slices.Equal(x.out, x.m.out) && slices.Equal(x.back, x.m.back) && s == x.m.counters() &&
		packets == len(x.m.held) && bytes == x.m.heldBytes() && at.Equal(wantAt) && waits == wantWaits &&
		(!started || head == uint32(x.m.head)) && started == x.m.started &&
		x.pushed == s.Accepted+s.UnderWindow+s.Duplicated+uint64(packets) && x.w.span+x.before == s.Accepted+s.Lost+s.Marked {
		x.out, x.back, x.m.out, x.m.back = x.out[:0], x.back[:0], x.m.out[:0], x.m.back[:0]
		return
	}
	x.t.Helper()
	require.Equal(x.t, x.m.out, x.out, "delivered")
	require.Equal(x.t, x.m.back, x.back, "released")
	require.Equal(x.t, x.m.counters(), s, "counters")
	require.Equal(x.t, len(x.m.held), packets, "held packets")
	require.Equal(x.t, x.m.heldBytes(), bytes, "held bytes")
	require.Equal(x.t, wantWaits, waits, "deadline")
	require.Equal(x.t, wantAt, at, "deadline")
	require.Equal(x.t, uint32(x.m.head), head, "head")
	require.Equal(x.t, x.pushed, s.Accepted+s.UnderWindow+s.Duplicated+uint64(packets), "counters of packets")
	require.Equal(x.t, x.w.span+x.before, s.Accepted+s.Lost+s.Marked, "counters of numbers")
}

// TestModelLink sends a numbered stream over a bad link: loss, duplication,
// reordering, pauses, and a wrap of the number in the middle.
func TestModelLink(t *testing.T) {
	type link struct {
		loss, duplicate, late float64
		reach                 int // how many places a late packet falls back
		pause                 time.Duration
	}
	links := map[string]link{
		"clean":       {},
		"loss":        {loss: 0.05, pause: time.Millisecond},
		"duplicates":  {duplicate: 0.2},
		"reordering":  {late: 0.3, reach: 20},
		"beyond":      {late: 0.1, reach: 200},
		"everything":  {loss: 0.02, duplicate: 0.05, late: 0.2, reach: 90, pause: 3 * time.Millisecond},
		"slow, lossy": {loss: 0.3, late: 0.3, reach: 5, pause: 40 * time.Millisecond},
	}
	for _, kind := range []struct {
		name   string
		policy Policy
		fixed  bool
	}{{"order", Order, false}, {"order, fixed", Order, true}, {"drop", Drop, false}, {"immediate", Immediate, false}} {
		for name, l := range links {
			t.Run(kind.name+"/"+name, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, uint64(kind.policy)))
				x := newPair(t, Config{Size: 64, Timeout: 100 * time.Millisecond, MaxBytes: 1500, Policy: kind.policy, Fixed: kind.fixed})
				type sent struct {
					place int
					seq   uint32
				}
				var stream []sent
				for i := range 3000 {
					seq := uint32(i) - 1500
					if rng.Float64() < l.loss {
						continue
					}
					for copies := 1; copies > 0; copies-- {
						place := i
						if rng.Float64() < l.late {
							place += rng.IntN(l.reach + 1)
						}
						stream = append(stream, sent{place, seq})
						if rng.Float64() < l.duplicate {
							copies++
						}
					}
				}
				slices.SortStableFunc(stream, func(a, b sent) int { return a.place - b.place })
				for _, s := range stream {
					x.wait(time.Duration(rng.Int64N(int64(l.pause) + 1)))
					if at, ok := x.w.Deadline(); ok && rng.IntN(2) == 0 && !x.now.Before(at) {
						x.expire()
					}
					if rng.IntN(50) == 0 {
						x.mark(s.seq)
					}
					x.push(s.seq, rng.IntN(60))
				}
				x.flush()
			})
		}
	}
}

// TestModelRandom plays random scripts of every operation.
func TestModelRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	script := make([]byte, 4*150)
	for range 600 {
		for i := range script {
			script[i] = byte(rng.Uint32())
		}
		play(t, script)
	}
}

// play reads a script: three bytes of configuration and start, then three bytes
// for each operation.
func play(t testing.TB, script []byte) {
	if len(script) < 3 {
		return
	}
	x := newPair(t, Config{
		Size:       1 << (script[0] % 8),
		Timeout:    50 * time.Millisecond,
		MaxBytes:   1 + 8*int(script[0]/8),
		MaxPackets: int(script[1] / 6 % 8),
		Policy:     Policy(script[1] % 3),
		Fixed:      script[1]/3%2 == 1,
	})
	starts := [...]uint32{0, 1, 1<<32 - 20, 1 << 31, 1<<31 - 30}
	start := starts[int(script[2])%len(starts)]
	for s := script[3:]; len(s) >= 3; s = s[3:] {
		head, started := x.w.head, x.w.started
		if !started {
			head = start
		}
		a, b := int32(int8(s[1])), s[2]
		switch op := s[0] % 20; {
		case op < 7: // around the head
			x.push(head+uint32(a/8), int(b%48))
		case op < 11: // around the window
			x.push(head+uint32(a*2), int(b%48))
		case op == 11: // far away, or nearly so
			far := [...]uint32{1 << 31, 1<<31 - 1, 1<<31 + 1, 1 << 20, 1 << 30}
			x.push(head+far[int(b)%len(far)]+uint32(a), int(b%48))
		case op == 12:
			x.wait(time.Duration(b) * time.Millisecond / 4)
		case op == 13:
			x.wait(time.Duration(b) * time.Millisecond / 4)
			x.expire()
		case op == 14: // to the deadline, and just before it
			if at, ok := x.w.Deadline(); ok && at.After(x.now) {
				x.now = at.Add(-time.Duration(b & 1))
			}
			x.expire()
		case op < 18: // near the head, or about the end of the window
			x.mark(head + uint32(a)&31*uint32(1+b%5))
		case op == 18 && b < 64:
			x.flush()
		case op == 19 && b < 64:
			x.restart()
		}
	}
	x.flush()
}

func FuzzWindow(f *testing.F) {
	f.Add([]byte{6, 0, 0, 0, 0, 10, 0, 24, 10, 0, 8, 10, 0, 16, 10})
	f.Add([]byte{255, 0, 2, 0, 8, 1, 0, 16, 1, 14, 0, 1, 14, 0, 0})
	f.Add([]byte{3, 1, 3, 0, 0, 1, 11, 0, 0, 11, 0, 1, 0, 248, 1})
	f.Add([]byte{7, 2, 1, 0, 0, 5, 0, 240, 5, 7, 60, 5, 0, 200, 5, 18, 0, 0})
	f.Add([]byte{5, 0, 1, 0, 0, 5, 15, 3, 0, 15, 1, 0, 0, 32, 9, 15, 2, 1, 19, 0, 0, 0, 0, 3})
	f.Fuzz(func(t *testing.T, script []byte) {
		play(t, script[:min(len(script), 1500)])
	})
}
