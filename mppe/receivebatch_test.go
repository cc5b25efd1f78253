package mppe

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
)

// traffic makes packets of one session, good and bad, out of numbers that a test or a fuzzer
// chooses.
type traffic struct {
	w    *wire
	r    *rand.Rand
	past []sent
	held []sent
}

// The events of traffic.
const (
	evGenuine = iota
	evHold    // a packet is late
	evRelease // and comes
	evRepeat  // one comes again
	evReplay  // one comes again under another sequence number
	evMoved   // a new one comes under a wrong sequence number
	evForgedNear
	evForgedAny
	evForgedFar
	evForgedEdge // its count is about where the window turns over
	evDamaged
	evBadHeader
	evControl
	evLoss
	evLossEdge // just what the look-ahead bears
	evOutage
	evTick
	evFlush
	events
)

// packet gives the packet of an event, if it brings one.
func (m *traffic) packet(event, x byte) (p Packet, ok bool) {
	near := m.w.seq + uint32(int32(int8(x)))
	switch event {
	case evHold:
		m.held = append(m.held, m.w.next())
		return p, false
	case evRelease:
		if len(m.held) == 0 {
			return p, false
		}
		i := int(x) % len(m.held)
		p = m.genuine(m.held[i])
		m.held = slices.Delete(m.held, i, i+1)
		return p, true
	case evRepeat, evReplay:
		if len(m.past) == 0 {
			return p, false
		}
		p = m.genuine(m.past[len(m.past)-1-int(x)%len(m.past)])
		if event == evReplay {
			p.Seq = m.w.seq + uint32(int32(int8(x)))<<(m.r.UintN(25))
		}
		return p, true
	case evMoved:
		p = m.genuine(m.w.next())
		p.Seq += uint32(int32(int8(x))) << m.r.UintN(25)
		return p, true
	case evForgedNear:
		return Packet{Data: forge(m.r, uint16(m.w.enc.next)+uint16(int8(x)), m.r.IntN(150)), Seq: near}, true
	case evForgedAny:
		return Packet{Data: forge(m.r, uint16(m.r.Uint32()), int(x)), Seq: near}, true
	case evForgedFar:
		return Packet{Data: forge(m.r, uint16(m.r.Uint32()), 100), Seq: m.w.seq + uint32(x)<<m.r.UintN(25)}, true
	case evForgedEdge:
		return Packet{Data: forge(m.r, uint16(m.w.enc.next)+leastHistory+uint16(int8(x)), 100), Seq: near}, true
	case evDamaged:
		p = m.genuine(m.w.next())
		p.Data[int(x)%len(p.Data)] ^= 1 + x/2
		return p, true
	case evBadHeader:
		p = m.genuine(m.w.next())
		p.Data[0] &= ^byte(0x90) | x
		p.Data = p.Data[:int(x)%len(p.Data)]
		return p, true
	case evControl, evLoss, evLossEdge, evOutage:
		m.skip(event, x)
		return p, false
	}
	return m.genuine(m.w.next()), true
}

// skip uses up numbers that no packet comes with.
func (m *traffic) skip(event, x byte) {
	switch event {
	case evControl:
		for range x % 8 {
			m.w.control()
		}
	case evLoss:
		m.w.lose(int(x), 7)
	case evLossEdge:
		m.w.lose(lookAhead-int(x)%64, 0)
	case evOutage:
		m.w.lose(lookAhead+16*int(x), 50)
	}
}

func (m *traffic) genuine(s sent) Packet {
	m.past = append(m.past, s)
	return Packet{Data: append([]byte(nil), s.data...), Seq: s.seq}
}

// batchModel is sessions whose packets are decrypted together, and the same alone.
type batchModel struct {
	t        *testing.T
	batch    ReceiveBatch
	traffic  []*traffic
	together []*Decrypter
	alone    []*Decrypter
	waiting  [][]Packet
}

func newBatchModel(t *testing.T, sessions, reserve int, seed uint64) *batchModel {
	m := &batchModel{t: t, waiting: make([][]Packet, sessions)}
	for i := range sessions {
		cfg := sessionConfig(i, false)
		cfg.History = 3000 * (i % 3)
		w := newWire(t, cfg, ^uint32(0)-uint32(i)) // the sequence number wraps on the way, except for the first session
		w.seq *= uint32(min(i, 1))
		m.traffic = append(m.traffic, &traffic{w: w, r: rand.New(rand.NewPCG(seed, uint64(i)))})
		m.alone = append(m.alone, newDecrypter(t, cfg))
		m.together = append(m.together, newDecrypter(t, reserved(cfg, reserve)))
	}
	return m
}

// event lets something happen in a session.
func (m *batchModel) event(session int, event, x byte) {
	switch event {
	case evFlush:
		m.flush()
	case evTick:
		m.flush()
		assert.Equal(m.t, m.alone[session].CatchUp(int(x)), m.together[session].CatchUp(int(x)))
	default:
		if p, ok := m.traffic[session].packet(event, x); ok {
			m.waiting[session] = append(m.waiting[session], p)
		}
	}
}

// flush decrypts what waits in both ways and requires the same of both.
func (m *batchModel) flush() {
	want := make([][]Packet, len(m.waiting))
	for i, packets := range m.waiting {
		for k := range packets {
			p := &packets[k]
			alone := Packet{Data: append([]byte{}, p.Data...), Seq: p.Seq}
			if k%2 == 0 && len(p.Data) > HeaderSize { // every other packet in place
				p.Dst, alone.Dst = p.Data[HeaderSize:HeaderSize], alone.Data[HeaderSize:HeaderSize]
			} else {
				p.Dst, alone.Dst = []byte("head"), []byte("head")
			}
			alone.Dst, alone.Err = m.alone[i].Decrypt(alone.Dst, alone.Data, alone.Seq)
			want[i] = append(want[i], alone)
			m.batch.Add(m.together[i], p)
		}
		for n := m.traffic[i].r.IntN(8); n > 0; n-- {
			if r := m.together[i].Reserve(); r != nil {
				r.Fill()
			}
		}
	}
	m.batch.Decrypt()
	for i := range m.waiting {
		for k, p := range m.waiting[i] {
			// One by one, because require.Equal would print all of them.
			got := Packet{Data: p.Data, Seq: p.Seq, Dst: p.Dst, Err: p.Err}
			require.Equal(m.t, want[i][k], got, "packet %d of session %d", k, i)
			require.False(m.t, p.tried)
			require.Nil(m.t, p.key)
		}
		m.waiting[i] = nil
		a, b := m.alone[i], m.together[i]
		require.Equal(m.t, a.Stats(), b.Stats(), "session %d", i)
		require.Equal(m.t, []int64{a.high, a.stateless.store.tip, int64(a.anchor)}, []int64{b.high, b.stateless.store.tip, int64(b.anchor)})
		require.Equal(m.t, a.stateless.store.used, b.stateless.store.used)
		require.Nil(m.t, b.run)
	}
	require.Zero(m.t, slices.Max(append(m.batch.planned, 0)))
	require.Empty(m.t, m.batch.runs)
	for _, r := range m.batch.spare {
		require.Equal(m.t, receiveRun{packets: r.packets}, *r)
	}
}

// weights are how often events happen, of 1,000; the rest are genuine packets in order.
type weights [events]int

func (w weights) draw(r *rand.Rand) byte {
	n := r.IntN(1000)
	for event, weight := range w {
		if n -= weight; n < 0 {
			return byte(event)
		}
	}
	return evGenuine
}

// everything happens now and then.
var everything = weights{
	evHold: 40, evRelease: 45, evRepeat: 30, evReplay: 20, evMoved: 20, evForgedNear: 40, evForgedAny: 40,
	evForgedFar: 20, evForgedEdge: 10, evLossEdge: 2, evDamaged: 10, evBadHeader: 10, evControl: 10,
	evLoss: 10, evOutage: 2, evTick: 10, evFlush: 20,
}

// TestReceiveBatchModel: whatever comes, a batch does with it what one packet after another does.
func TestReceiveBatchModel(t *testing.T) {
	for _, v := range []struct {
		name    string
		weights weights
	}{
		{"in order", weights{evFlush: 15}},
		{"a bad network", weights{evHold: 60, evRelease: 65, evRepeat: 30, evLoss: 10, evControl: 10, evFlush: 15}},
		{"forgers", weights{evForgedNear: 80, evForgedAny: 80, evForgedFar: 40, evForgedEdge: 40, evDamaged: 20, evBadHeader: 20, evFlush: 15}},
		{"flood of forgeries", weights{evForgedNear: 400, evForgedAny: 400, evFlush: 15}},
		{"somebody on the path", weights{evReplay: 100, evMoved: 100, evForgedFar: 50, evForgedNear: 50, evFlush: 20, evTick: 5}},
		{"outages", weights{evOutage: 3, evLoss: 10, evControl: 20, evTick: 20, evFlush: 40}},
		{"the window's edges", weights{evHold: 60, evRelease: 65, evLossEdge: 20, evForgedEdge: 60, evFlush: 20}},
		{"everything", everything},
	} {
		for _, sessions := range []int{1, 20, batchSize + 2} {
			for _, reserve := range []int{0, 30} {
				if sessions > batchSize && (reserve > 0 || v.name != "everything") {
					continue
				}
				t.Run(fmt.Sprintf("%s/sessions=%d/reserve=%d", v.name, sessions, reserve), func(t *testing.T) {
					r := rand.New(rand.NewPCG(uint64(sessions), 5))
					m := newBatchModel(t, sessions, reserve, 6)
					for range 3000 {
						m.event(r.IntN(sessions), v.weights.draw(r), byte(r.Uint32()))
					}
					m.flush()
					var packets uint64
					for _, d := range m.together {
						packets += d.Stats().Packets
					}
					assert.NotZero(t, packets)
				})
			}
		}
	}
}

// FuzzReceiveBatch does the same with a script: of every three bytes the first is the event, the
// second a number for it, the third the session.
func FuzzReceiveBatch(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, evForgedNear, 5, 0, 0, 0, 1}, uint8(0))
	f.Add([]byte{evOutage, 3, 0, 0, 0, 0, 0, 0, 0, evTick, 200, 0, 0, 0, 0, 0, 0, 1}, uint8(20))
	f.Add([]byte{evHold, 0, 0, 0, 0, 0, evRelease, 0, 0, evRepeat, 0, 0, evRepeat, 1, 0}, uint8(20))
	f.Add([]byte{evMoved, 128, 0, 0, 0, 0, evReplay, 9, 0, evForgedFar, 255, 0, evFlush, 0, 0, evDamaged, 9, 1}, uint8(20))
	f.Fuzz(func(t *testing.T, script []byte, reserve uint8) {
		if len(script) > 1500 {
			return
		}
		m := newBatchModel(t, 2, int(reserve), uint64(len(script)))
		for ; len(script) >= 3; script = script[3:] {
			m.event(int(script[2]&1), script[0]%events, script[1])
		}
		m.flush()
	})
}

// TestReceiveBatchRollsBack: a packet under a wrong number makes the next one lie beyond the
// look-ahead, which no plan could foresee. It must find the chain as if nothing behind it had been
// tried yet, wherever the keys came from.
func TestReceiveBatchRollsBack(t *testing.T) {
	for _, reserve := range []int{0, 21} {
		t.Run(fmt.Sprintf("reserve=%d", reserve), func(t *testing.T) {
			cfg := testConfig(128, true)
			w, alone, together := newWire(t, cfg, 0), newDecrypter(t, cfg), newDecrypter(t, reserved(cfg, reserve))
			for r := together.Reserve(); r != nil && r.Fill() > 0; {
			}
			var packets []Packet
			for range 40 {
				s := w.next()
				packets = append(packets, Packet{Data: s.data, Seq: s.seq})
			}
			packets[20].Seq -= 5000
			for _, p := range packets[:22] {
				_, _ = alone.Decrypt(nil, p.Data, p.Seq)
			}
			var b ReceiveBatch
			for i := range packets {
				b.Add(together, &packets[i])
			}
			b.plan(batchSize)
			require.Equal(t, 40, b.runs[0].planned)
			b.derive(1)
			require.EqualValues(t, 40, together.Stats().Rekeys)
			b.start()
			together.keys.packets.XORKeyStreams(b.jobs[:b.nJobs])
			b.runs[0].settle()
			assert.Equal(t, 22, b.runs[0].done)
			assert.Equal(t, alone.Stats(), together.Stats())
			assert.Equal(t, alone.stateless.store.tipKey, together.stateless.store.tipKey)
		})
	}
}

// TestReceiveBatchTriesTwice: a packet whose sequence number means one that is missed since long is
// tried with that key first, and where it lies with the key of its count after that.
func TestReceiveBatchTriesTwice(t *testing.T) {
	cfg := testConfig(128, true)
	cfg.History = 8192
	w, d := newWire(t, cfg, 0), newDecrypter(t, cfg)
	w.lose(100, 0)
	for range countSpace - 50 {
		w.deliver(d, w.next())
	}
	var batch ReceiveBatch
	packets := make([]Packet, 2)
	for i := range packets {
		s := w.next()
		packets[i] = Packet{Data: s.data, Seq: s.seq - countSpace, Dst: s.data[HeaderSize:HeaderSize]}
		batch.Add(d, &packets[i])
	}
	batch.plan(batchSize)
	require.True(t, packets[0].tried)
	require.EqualValues(t, 50, packets[0].n)
	batch.Decrypt()
	for i, p := range packets {
		require.NoError(t, p.Err)
		require.Equal(t, ipv4(uint32(countSpace+50+i), 40), p.Dst)
	}
}

// TestReceiveBatchWary: in a flood of forged packets, each costs no more than its first bytes
// again, until it is over.
func TestReceiveBatchWary(t *testing.T) {
	cfg := testConfig(128, true)
	d, w := newDecrypter(t, cfg), newWire(t, cfg, 0)
	r := rand.New(rand.NewPCG(1, 1))
	batch := func(forged, genuine int) (packets []Packet) {
		for range forged {
			packets = append(packets, Packet{Data: forge(r, uint16(w.enc.next), 300), Seq: w.seq})
		}
		for range genuine {
			s := w.next()
			packets = append(packets, Packet{Data: s.data, Seq: s.seq})
		}
		return packets
	}
	for _, v := range []struct {
		forged, genuine int
		wary            bool
	}{{0, 10, false}, {5, 5, false}, {6, 5, true}, {10, 0, true}, {1, 10, false}, {0, 1, false}} {
		decryptBatch(d, batch(v.forged, v.genuine))
		assert.Equal(t, v.wary, d.wary, "%d forged, %d genuine", v.forged, v.genuine)
	}
	assert.EqualValues(t, 31, d.Stats().Packets)
	assert.EqualValues(t, 22, d.Stats().Implausible)
}

// TestReceiveBatchStateful: it is one packet after another there.
func TestReceiveBatchStateful(t *testing.T) {
	forEachStateful(t, func(t *testing.T, cfg Config) {
		w, d := newWire(t, cfg, 1), newDecrypter(t, cfg)
		packets := make([]Packet, 700)
		for i := range packets {
			s := w.next()
			packets[i] = Packet{Data: s.data, Seq: s.seq}
		}
		decryptBatch(d, packets)
		for i, p := range packets {
			require.NoError(t, p.Err)
			require.Equal(t, ipv4(uint32(i), 40), p.Dst)
		}
	})
}

// TestReceiveBatchBackends: sessions with different backends may share a batch.
func TestReceiveBatchBackends(t *testing.T) {
	var batch ReceiveBatch
	backends := arc4.Backends()
	packets := make([]Packet, 3*len(backends))
	for i := range packets {
		cfg := testConfig(128, true)
		cfg.Backend = backends[i%len(backends)]
		packets[i].Data = newWire(t, cfg, 0).next().data
		batch.Add(newDecrypter(t, cfg), &packets[i])
	}
	batch.Decrypt()
	for _, p := range packets {
		require.NoError(t, p.Err)
		require.Equal(t, ipv4(0, 40), p.Dst)
	}
}
