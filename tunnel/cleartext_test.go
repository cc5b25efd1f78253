package tunnel

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// wireTap is what stands between the ends of a world: it looks at every packet, and loses some when
// told to.
type wireTap struct {
	mu     sync.Mutex
	seen   map[frameKind]int
	faults []string // what no end may ever send
	secret [][]byte // what may not be seen in any packet
	lose   func(from netip.Addr, packet []byte) bool
}

// frameKind is a PPP frame on its way: who sent it, its protocol, and its code if it is a control
// frame.
type frameKind struct {
	from  netip.Addr
	proto uint16
	code  byte
}

func newWireTap() *wireTap { return &wireTap{seen: make(map[frameKind]int)} }

// use puts the tap between the ends of a world.
func (w *wireTap) use(_ *ClientConfig, _ *ServerConfig, po *wireOptions) { po.Impair = w.pass }

func (w *wireTap) pass(from netip.Addr, packet []byte, deliver func([]byte)) {
	w.mu.Lock()
	w.look(from, packet)
	lost := w.lose != nil && w.lose(from, packet)
	w.mu.Unlock()
	if !lost {
		deliver(packet)
	}
}

// look notes a packet. The caller holds mu.
func (w *wireTap) look(from netip.Addr, packet []byte) {
	for _, s := range w.secret {
		if bytes.Contains(packet, s) {
			w.faults = append(w.faults, fmt.Sprintf("%s shows %q in % x", from, s, packet))
		}
	}
	h, payload, err := gre.Parse(packet)
	if err != nil || !h.HasSeq {
		return // an acknowledgment alone
	}
	proto, body, err := ppp.ParseFrame(payload)
	if err != nil {
		w.faults = append(w.faults, fmt.Sprintf("%s sends what is no PPP frame: % x", from, packet))
		return
	}
	k := frameKind{from: from, proto: proto}
	if proto >= 0x8000 && len(body) > 0 {
		k.code = body[0]
	}
	w.seen[k]++
}

// losing sets what is lost from now on; nil: nothing.
func (w *wireTap) losing(lose func(from netip.Addr, packet []byte) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = lose
}

func (w *wireTap) count(from netip.Addr, proto uint16, code byte) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[frameKind{from, proto, code}]
}

// inClear is how many IP packets have passed that were not encrypted.
func (w *wireTap) inClear() (n int) {
	for _, from := range []netip.Addr{serverOuter, clientOuter} {
		n += w.count(from, ppp.ProtoIPv4, 0) + w.count(from, ppp.ProtoIPv6, 0)
	}
	return n
}

func (w *wireTap) requireNoFault(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Empty(t, w.faults)
}

// seededLoss loses a share of the packets, each direction by its own dice.
func seededLoss(share float64) func(netip.Addr, []byte) bool {
	dice := map[netip.Addr]*rand.Rand{
		serverOuter: rand.New(rand.NewPCG(1, 2)),
		clientOuter: rand.New(rand.NewPCG(3, 4)),
	}
	return func(from netip.Addr, _ []byte) bool { return dice[from].Float64() < share }
}

// marked makes a packet that carries the marker.
func marked(from, to netip.Addr, number uint32, size int) []byte {
	p := packet(from, to, number, max(size, 24+len(marker)))
	copy(p[24:], marker)
	return p
}

// settle sends numbered packets both ways until one of them arrives, and takes all that waits in
// the devices before it. No more must be lost by then.
func (w *world) settle() {
	w.t.Helper()
	const first = 1 << 24
	for _, d := range []struct {
		in, out  *memDevice
		from, to netip.Addr
	}{{w.clientDev, w.serverDev, clientIP, serverIP}, {w.serverDev, w.clientDev, serverIP, clientIP}} {
		sent, got := uint32(first), uint32(0)
		w.eventually(func() bool {
			d.in.Put(packet(d.from, d.to, sent, 0))
			sent++
			for len(d.out.Got) > 0 {
				got = number(<-d.out.Got)
			}
			return got >= first
		}, "packets pass again")
		for got < sent-1 {
			got = number(w.expect(d.out))
		}
	}
}

// noLeaks demands, when the test and all its clean-up is over, that every goroutine it began has
// ended.
func noLeaks(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// insist hands a packet to every session, past the routing that would not let it through before the
// link is up.
func (w *world) insist() {
	for _, v := range w.victims() {
		if v.session == nil {
			continue
		}
		from, to := clientIP, serverIP
		if v.conn == w.serverGRE {
			from, to = to, from
		}
		d := &onePacket{packet: marked(from, to, 0, 0)}
		_ = session.NewDeviceReader(d, session.Routing{Session: func([]byte) *session.Session { return v.session }}, memory.SizesOf(false)).Run()
	}
}

// onePacket is a device that gives one packet, and is closed then.
type onePacket struct {
	memDevice
	packet []byte
}

func (d *onePacket) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	if d.packet == nil {
		return 0, os.ErrClosed
	}
	sizes[0] = copy(bufs[0][offset:], d.packet)
	d.packet = nil
	return 1, nil
}

// pump puts packets into both devices, and into the sessions, without a break until it is told to
// end.
func (w *world) pump() (end func()) {
	stop := make(chan struct{})
	var ended sync.WaitGroup
	feed := func(d *memDevice, from, to netip.Addr) {
		tick := time.NewTicker(200 * time.Microsecond)
		defer tick.Stop()
		for i := uint32(0); ; i++ {
			select {
			case d.In <- marked(from, to, i, 0):
			case <-stop:
				return
			}
			select {
			case <-tick.C:
				w.insist()
			case <-stop:
				return
			}
		}
	}
	ended.Go(func() { feed(w.clientDev, clientIP, serverIP) })
	ended.Go(func() { feed(w.serverDev, serverIP, clientIP) })
	return sync.OnceFunc(func() { close(stop); ended.Wait() })
}
