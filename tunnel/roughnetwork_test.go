package tunnel

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// roughNet is a network that loses, doubles and reorders data packets, always in the same way. It
// does nothing until it is told to, and never touches control frames.
type roughNet struct {
	mu   sync.Mutex
	ways map[netip.Addr]*roughWay // by who sends; nil: nothing happens
	into map[netip.Addr]func([]byte)
}

// roughWay is one direction. It numbers the packets that it sees from 0 on, and keeps the order in
// which they arrive.
type roughWay struct {
	dice    *rand.Rand
	sent    int
	arrived []uint32
	held    []heldPacket
}

// heldPacket waits until a number of later ones has passed.
type heldPacket struct {
	number uint32
	wait   int
	packet []byte
}

func (r *roughNet) use(_ *ClientConfig, _ *ServerConfig, po *wireOptions) {
	r.into = make(map[netip.Addr]func([]byte))
	po.Impair, po.Queue = r.pass, 1<<15
}

func (r *roughNet) begin(seed uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ways = map[netip.Addr]*roughWay{
		serverOuter: {dice: rand.New(rand.NewPCG(seed, 1))},
		clientOuter: {dice: rand.New(rand.NewPCG(seed, 2))},
	}
}

// end lets what is held go, once n packets of each direction have passed, and gives the order in
// which all arrived.
func (r *roughNet) end(w *world, n int) (down, up []uint32) {
	w.t.Helper()
	w.eventually(func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.ways[serverOuter].sent == n && r.ways[clientOuter].sent == n
	}, "all packets are on the way")
	r.mu.Lock()
	defer r.mu.Unlock()
	for from, way := range r.ways {
		for _, h := range way.held {
			way.arrive(h.number, h.packet, r.into[from])
		}
	}
	down, up = r.ways[serverOuter].arrived, r.ways[clientOuter].arrived
	r.ways = nil
	return down, up
}

func (r *roughNet) pass(from netip.Addr, packet []byte, deliver func([]byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.into[from] = deliver
	if r.ways == nil || !carriesData(packet) {
		deliver(packet)
		return
	}
	r.ways[from].pass(packet, deliver)
}

// carriesData reports whether a GRE packet has an IP packet in it, sealed or not.
func carriesData(packet []byte) bool {
	h, payload, err := gre.Parse(packet)
	if err != nil || !h.HasSeq {
		return false
	}
	proto, _, err := ppp.ParseFrame(payload)
	return err == nil && (proto == ppp.ProtoCompressed || proto == ppp.ProtoIPv4)
}

// pass loses 5% of the packets, doubles 5%, and holds 10% back until up to 20 later ones have
// passed.
func (w *roughWay) pass(packet []byte, deliver func([]byte)) {
	n := uint32(w.sent)
	w.sent++
	switch fate := w.dice.Float64(); {
	case fate < 0.05:
	case fate < 0.10:
		w.arrive(n, packet, deliver)
		w.arrive(n, packet, deliver)
	case fate < 0.20:
		w.held = append(w.held, heldPacket{number: n, wait: 2 + w.dice.IntN(20), packet: slices.Clone(packet)})
	default:
		w.arrive(n, packet, deliver)
	}
	for i := range w.held {
		if w.held[i].wait--; w.held[i].wait == 0 {
			w.arrive(w.held[i].number, w.held[i].packet, deliver)
		}
	}
	w.held = slices.DeleteFunc(w.held, func(h heldPacket) bool { return h.wait == 0 })
}

func (w *roughWay) arrive(n uint32, packet []byte, deliver func([]byte)) {
	w.arrived = append(w.arrived, n)
	deliver(packet)
}

// delivered is what a window makes, by its policy, of packets that arrive in that order and in
// time.
func delivered(policy reorder.Policy, arrived []uint32) (numbers []uint32) {
	switch policy {
	case reorder.Order:
		numbers = slices.Clone(arrived)
		slices.Sort(numbers)
		return slices.Compact(numbers)
	case reorder.Drop:
		for _, n := range arrived {
			if len(numbers) == 0 || n > numbers[len(numbers)-1] {
				numbers = append(numbers, n)
			}
		}
		return numbers
	}
	seen := make(map[uint32]bool)
	for _, n := range arrived {
		if !seen[n] {
			numbers = append(numbers, n)
		}
		seen[n] = true
	}
	return numbers
}

// haltedClock can stand still, so that the window gives nothing up before a test wants it to.
type haltedClock struct {
	mu     sync.Mutex
	halted time.Time // zero while it goes
	behind time.Duration
}

func (c *haltedClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.halted.IsZero() {
		return c.halted
	}
	return time.Now().Add(-c.behind)
}

func (c *haltedClock) halt() {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halted = now
}

func (c *haltedClock) goOn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.behind, c.halted = time.Since(c.halted), time.Time{}
}

// judged is how many data packets a session has seen and either delivered, refused or put into its
// window.
func judged(s *session.Session) int {
	v := s.Snapshot()
	w, c := v.Window, v.Counters
	return int(w.Accepted + w.UnderWindow + w.Duplicated + c["in_repeated"] + c["in_late"] + c["window_held_packets"])
}

func TestRoughNetworkByPolicy(t *testing.T) {
	for _, encryption := range []struct {
		name string
		mode ppp.MPPEMode
	}{{"encrypted", ppp.Require128}, {"clear", ppp.Off}} {
		for _, policy := range []reorder.Policy{reorder.Order, reorder.Drop, reorder.Immediate} {
			t.Run(encryption.name+"/"+policy.String(), func(t *testing.T) {
				noLeaks(t)
				net, clock := new(roughNet), new(haltedClock)
				w := newWorld(t, net.use, func(c *ClientConfig, s *ServerConfig, _ *wireOptions) {
					for _, o := range []*Options{&c.Options, &s.Options} {
						o.MPPE.Mode, o.Now = encryption.mode, clock.now
						o.Reorder = reorder.Config{Policy: policy, Timeout: 20 * time.Millisecond}
					}
				})
				w.waitUp()
				w.exchange(10)
				const n = 2000
				client, server := w.clientSession(), w.serverSession()
				atClient, atServer := judged(client), judged(server)
				clock.halt()
				net.begin(11)
				for i := range uint32(n) {
					w.serverDev.Put(packet(serverIP, clientIP, i, 24+int(i)*37%1377))
					w.clientDev.Put(packet(clientIP, serverIP, i, 24+int(i)*37%1377))
				}
				down, up := net.end(w, n)
				requireRough(t, down)
				requireRough(t, up)
				w.eventually(func() bool {
					return judged(client)-atClient == len(down) && judged(server)-atServer == len(up)
				}, "everything has its place")
				clock.goOn()
				w.takeAll(w.clientDev, serverIP, clientIP, delivered(policy, down))
				w.takeAll(w.serverDev, clientIP, serverIP, delivered(policy, up))
				w.settle()
				w.exchange(100)
				w.stop()
			})
		}
	}
}

// requireRough demands that a network has lost, doubled and reordered.
func requireRough(t *testing.T, arrived []uint32) {
	t.Helper()
	inOrder := delivered(reorder.Order, arrived)
	require.Less(t, len(inOrder), 1950, "some are lost")
	require.Less(t, len(inOrder), len(arrived)-50, "some are doubled")
	require.Less(t, len(delivered(reorder.Drop, arrived)), len(inOrder)-50, "some are late")
}

// takeAll demands just these packets, in this order.
func (w *world) takeAll(d *memDevice, from, to netip.Addr, numbers []uint32) {
	w.t.Helper()
	var got []uint32
	w.eventually(func() bool {
		for len(d.Got) > 0 {
			p := <-d.Got
			n := number(p)
			require.Equal(w.t, packet(from, to, n, 24+int(n)*37%1377), p)
			got = append(got, n)
		}
		return len(got) >= len(numbers)
	}, "all that was not lost arrives")
	require.Equal(w.t, numbers, got)
}

// TestSetUpOverRoughNetwork: control frames that come twice, or in the wrong order, must neither
// keep the tunnel from coming up nor negotiate it anew.
func TestSetUpOverRoughNetwork(t *testing.T) {
	for _, c := range []struct {
		name string
		pass func() func(from netip.Addr, packet []byte, deliver func([]byte))
		once bool // nobody has reason to say anything again
	}{
		{"every packet comes twice", twice, true},
		{"every packet comes again after the next one", again, true},
		{"every other packet comes after the next one", swapped, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			noLeaks(t)
			tap, book := newWireTap(), new(logbook)
			pass := c.pass()
			w := newWorld(t, book.keep, func(c *ClientConfig, s *ServerConfig, po *wireOptions) {
				c.restartTimer, s.restartTimer = time.Second, time.Second
				c.Reorder.Timeout, s.Reorder.Timeout = 5*time.Second, 5*time.Second
				po.Impair = func(from netip.Addr, packet []byte, deliver func([]byte)) {
					tap.pass(from, packet, func(packet []byte) { pass(from, packet, deliver) })
				}
			})
			require.Equal(t, 128, w.waitUp().Encrypted)
			client, server := w.clientSession(), w.serverSession()
			asked := func() (n int) { // Configure-Requests so far
				for _, from := range []netip.Addr{serverOuter, clientOuter} {
					for _, proto := range []uint16{ppp.ProtoLCP, ppp.ProtoCCP, ppp.ProtoIPCP} {
						n += tap.count(from, proto, 1)
					}
				}
				return n
			}
			before := asked()
			up := &flow{in: w.clientDev, out: w.serverDev, from: clientIP, to: serverIP, last: -1}
			down := &flow{in: w.serverDev, out: w.clientDev, from: serverIP, to: clientIP, last: -1}
			up.send(500)
			down.send(500)
			w.eventually(func() bool {
				up.take()
				down.take()
				// The window begins with the first that arrives: one that it overtook is late.
				return up.got >= 499 && down.got >= 499
			}, "all packets arrive")
			require.Empty(t, up.fault)
			require.Empty(t, down.fault)
			w.untouched(client, server)
			require.Equal(t, before, asked(), "nothing is negotiated again")
			if c.once {
				for _, e := range []string{"end=client", "end=server"} {
					require.Equal(t, 1, strings.Count(book.String(), "msg=encrypted "+e), book)
				}
			}
			w.stop()
		})
	}
}

func twice() func(netip.Addr, []byte, func([]byte)) {
	return func(_ netip.Addr, packet []byte, deliver func([]byte)) {
		deliver(packet)
		deliver(packet)
	}
}

// again sends each packet's double after the packet that follows it.
func again() func(netip.Addr, []byte, func([]byte)) {
	var mu sync.Mutex
	last := make(map[netip.Addr][]byte)
	return func(from netip.Addr, packet []byte, deliver func([]byte)) {
		mu.Lock()
		defer mu.Unlock()
		deliver(packet)
		if p := last[from]; p != nil {
			deliver(p)
		}
		last[from] = slices.Clone(packet)
	}
}

// swapped lets every other packet wait for the next one, or for 20 ms, since the next one may be
// its answer's answer.
func swapped() func(netip.Addr, []byte, func([]byte)) {
	var mu sync.Mutex
	held := make(map[netip.Addr][]byte)
	return func(from netip.Addr, packet []byte, deliver func([]byte)) {
		mu.Lock()
		defer mu.Unlock()
		if p := held[from]; p != nil {
			held[from] = nil
			deliver(packet)
			deliver(p)
			return
		}
		p := slices.Clone(packet)
		held[from] = p
		time.AfterFunc(20*time.Millisecond, func() {
			mu.Lock()
			defer mu.Unlock()
			if q := held[from]; q != nil && &q[0] == &p[0] {
				held[from] = nil
				deliver(p)
			}
		})
	}
}
