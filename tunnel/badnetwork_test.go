package tunnel

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// weather is a bad network: it loses, doubles and delays data packets, each direction by its own dice. A delayed packet
// arrives after some of those that were sent later, so nothing depends on time.
type weather struct {
	lose, double, delay float64 // shares of the packets
	depth               int     // how many packets a delayed one lets pass at most

	mu      sync.Mutex
	on      bool
	dice    map[netip.Addr]*rand.Rand
	delayed map[netip.Addr][]delayedPacket
	deliver map[netip.Addr]func([]byte)
	lost    map[netip.Addr]int
}

type delayedPacket struct {
	packet []byte
	after  int // this many others
}

func newWeather(lose, double, delay float64, depth int) *weather {
	return &weather{
		lose: lose, double: double, delay: delay, depth: depth,
		dice: map[netip.Addr]*rand.Rand{
			serverOuter: rand.New(rand.NewPCG(11, 12)),
			clientOuter: rand.New(rand.NewPCG(13, 14)),
		},
		delayed: make(map[netip.Addr][]delayedPacket),
		deliver: make(map[netip.Addr]func([]byte)),
		lost:    make(map[netip.Addr]int),
	}
}

// use puts the weather between the ends of a world.
func (b *weather) use(_ *ClientConfig, _ *ServerConfig, po *gre.PipeOptions) { po.Impair = b.pass }

func (b *weather) pass(from netip.Addr, packet []byte, deliver func([]byte)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deliver[from] = deliver
	if !b.on || !isData(packet) {
		deliver(packet)
		return
	}
	dice := b.dice[from]
	switch roll := dice.Float64(); {
	case roll < b.lose:
		b.lost[from]++
	case roll < b.lose+b.delay:
		b.put(from, packet)
		return
	case roll < b.lose+b.delay+b.double:
		b.put(from, packet)
		deliver(packet)
	default:
		deliver(packet)
	}
	waiting := b.delayed[from][:0]
	for _, d := range b.delayed[from] {
		if d.after--; d.after > 0 {
			waiting = append(waiting, d)
		} else {
			deliver(d.packet)
		}
	}
	b.delayed[from] = waiting
}

// put keeps a packet for later. The caller holds mu.
func (b *weather) put(from netip.Addr, packet []byte) {
	b.delayed[from] = append(b.delayed[from], delayedPacket{slices.Clone(packet), 1 + b.dice[from].IntN(b.depth)})
}

func (b *weather) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.on = true
}

// calm lets what is delayed arrive, and everything after it.
func (b *weather) calm() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.on = false
	for from, waiting := range b.delayed {
		for _, d := range waiting {
			b.deliver[from](d.packet)
		}
	}
	clear(b.delayed)
}

// isData reports whether a GRE packet carries IP, encrypted or not.
func isData(packet []byte) bool {
	h, payload, err := gre.Parse(packet)
	if err != nil || !h.HasSeq {
		return false
	}
	proto, _, err := ppp.ParseFrame(payload)
	return err == nil && proto < 0x8000
}

// policySetting makes a world whose windows hold packets for at most timeout.
func policySetting(p reorder.Policy, timeout time.Duration) setting {
	return func(c *ClientConfig, s *ServerConfig, _ *gre.PipeOptions) {
		for _, o := range []*Options{&c.Options, &s.Options} {
			o.Reorder = reorder.Config{Policy: p, Timeout: timeout}
		}
	}
}

// through sends n numbered packets each way through the weather and a few more when it is calm, and gives the numbers
// that arrived at the server and at the client, in the order in which they came.
func (w *world) through(b *weather, n int) (atServer, atClient []uint32) {
	w.t.Helper()
	const after = 20
	server, client := w.server.Snapshot().Sessions[0].PacketsOut, w.client.Snapshot().Sessions[0].PacketsOut
	b.begin()
	for i := range n {
		w.clientDev.put(packet(clientIP, serverIP, uint32(i), 0))
		w.serverDev.put(packet(serverIP, clientIP, uint32(i), 0))
	}
	w.eventually(func() bool {
		return w.server.Snapshot().Sessions[0].PacketsOut == server+uint64(n) && w.client.Snapshot().Sessions[0].PacketsOut == client+uint64(n)
	}, "everything is on its way")
	b.calm()
	for i := range after {
		w.clientDev.put(packet(clientIP, serverIP, uint32(n+i), 0))
		w.serverDev.put(packet(serverIP, clientIP, uint32(n+i), 0))
	}
	take := func(d *memDevice) (numbers []uint32) {
		for len(numbers) == 0 || numbers[len(numbers)-1] != uint32(n+after-1) {
			numbers = append(numbers, number(w.expect(d)))
		}
		return numbers
	}
	return take(w.serverDev), take(w.clientDev)
}

func TestBadNetworks(t *testing.T) {
	const n = 1500
	const sent = n + 20 // through adds those
	for _, tt := range []struct {
		name                string
		policy              reorder.Policy
		timeout             time.Duration
		lose, double, delay float64
		judge               func(t *testing.T, got []uint32, lost int)
	}{
		{"order, nothing lost", reorder.Order, patience, 0, 0.05, 0.2, func(t *testing.T, got []uint32, _ int) {
			requireRising(t, got)
			require.Len(t, got, sent)
		}},
		{"order, 5% lost", reorder.Order, 50 * time.Millisecond, 0.05, 0.05, 0.2, func(t *testing.T, got []uint32, lost int) {
			requireRising(t, got)
			// What waits for a lost packet may be given up when the machine stalls for longer than the timeout.
			require.GreaterOrEqual(t, len(got), sent*3/4)
			require.LessOrEqual(t, len(got), sent-lost)
		}},
		{"immediate, 5% lost", reorder.Immediate, 0, 0.05, 0.05, 0.2, func(t *testing.T, got []uint32, lost int) {
			require.False(t, slices.IsSorted(got), "nobody waits")
			slices.Sort(got)
			requireRising(t, got)
			require.Len(t, got, sent-lost, "nothing late is lost")
		}},
		{"drop, 5% lost", reorder.Drop, 0, 0.05, 0.05, 0.2, func(t *testing.T, got []uint32, lost int) {
			requireRising(t, got)
			require.Less(t, len(got), sent-lost, "what is late is lost")
		}},
		{"drop, nothing late", reorder.Drop, 0, 0.05, 0.05, 0, func(t *testing.T, got []uint32, lost int) {
			requireRising(t, got)
			require.Len(t, got, sent-lost)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			noLeaks(t)
			b := newWeather(tt.lose, tt.double, tt.delay, 16)
			w := newWorld(t, b.use, policySetting(tt.policy, tt.timeout))
			w.waitUp()
			client, server := w.clientSession(), w.serverSession()
			w.burst(10)
			atServer, atClient := w.through(b, n)
			tt.judge(t, atServer, b.lost[clientOuter])
			tt.judge(t, atClient, b.lost[serverOuter])
			w.untouched(client, server)
			w.stop()
		})
	}
}

// requireRising demands that numbers come in order and each once.
func requireRising(t *testing.T, numbers []uint32) {
	t.Helper()
	for i := 1; i < len(numbers); i++ {
		require.Less(t, numbers[i-1], numbers[i], "packet %d", i)
	}
}

// TestDoubledControlFramesRenegotiateNothing: a Configure-Request that comes again after its protocol has opened would
// start the negotiation over (RFC 1661 section 4.3), and encryption with it.
func TestDoubledControlFramesRenegotiateNothing(t *testing.T) {
	noLeaks(t)
	var mu sync.Mutex
	var all []func() // sends a packet of the past again
	w := newWorld(t, func(_ *ClientConfig, _ *ServerConfig, po *gre.PipeOptions) {
		po.Impair = func(_ netip.Addr, p []byte, deliver func([]byte)) {
			p = slices.Clone(p)
			deliver(p)
			deliver(p)
			mu.Lock()
			defer mu.Unlock()
			if len(all) < 100 {
				all = append(all, func() { deliver(p) })
			}
			if old := len(all) - 4; old >= 0 {
				all[old]()
			}
		}
	})
	w.waitUp()
	client, server := w.clientSession(), w.serverSession()
	w.burst(100)
	mu.Lock()
	for _, again := range all {
		again()
	}
	mu.Unlock()
	w.burst(100)
	w.untouched(client, server)
	for _, v := range w.victims() {
		require.NotZero(t, v.stats().RepeatedFrames)
		require.NotZero(t, v.stats().Repeated)
	}
	w.stop()
}
