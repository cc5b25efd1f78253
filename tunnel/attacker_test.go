package tunnel

import (
	"maps"
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
)

// attacker stands on the wire of a world: it keeps what passes, and puts packets of its own on it
// under either end's address.
type attacker struct {
	t    *testing.T
	dice *rand.Rand

	mu   sync.Mutex
	into map[netip.Addr]func([]byte) // what leads to the peer of that address
	kept map[netip.Addr][][]byte     // genuine packets of that address
}

// keptPackets bounds what an attacker remembers of each end.
const keptPackets = 1000

func newAttacker(t *testing.T) *attacker {
	return &attacker{t: t, dice: rand.New(rand.NewPCG(7, 7)), into: make(map[netip.Addr]func([]byte)), kept: make(map[netip.Addr][][]byte)}
}

// use puts the attacker between the ends of a world.
func (a *attacker) use(_ *ClientConfig, _ *ServerConfig, po *wireOptions) { po.Impair = a.pass }

func (a *attacker) pass(from netip.Addr, packet []byte, deliver func([]byte)) {
	a.mu.Lock()
	a.into[from] = deliver
	if len(a.kept[from]) < keptPackets {
		a.kept[from] = append(a.kept[from], slices.Clone(packet))
	}
	a.mu.Unlock()
	deliver(packet)
}

// victim is one end under attack.
type victim struct {
	session *session.Session
	peer    netip.Addr // whose address the forged packets carry
	conn    gre.Conn   // where they arrive
}

func (w *world) victims() []victim {
	return []victim{
		{w.clientSession(), serverOuter, w.clientGRE},
		{w.serverSession(), clientOuter, w.serverGRE},
	}
}

func (w *world) clientSession() *session.Session {
	w.client.mu.Lock()
	defer w.client.mu.Unlock()
	return w.client.session
}

// serverSession is the one session of the server, or nil.
func (w *world) serverSession() *session.Session {
	w.server.mu.RLock()
	defer w.server.mu.RUnlock()
	for s := range w.server.sessions {
		return s
	}
	return nil
}

// live is the highest sequence number of data that the victim believes.
func (v victim) live() uint32 { return uint32(v.counter("sequence_in")) }

func (v victim) counter(name string) uint64 { return v.session.Snapshot().Counters[name] }

// came is what the session has counted of what came.
func (v victim) came() map[string]uint64 {
	came := v.session.Snapshot().Counters
	maps.DeleteFunc(came, func(name string, _ uint64) bool {
		return name != "control_frames_in" && !strings.HasPrefix(name, "in_")
	})
	return came
}

// arrived counts what the victim's socket has given to its reader.
func (v victim) arrived() uint64 {
	s := v.conn.Stats()
	return s.Received + s.Truncated
}

// send puts forged packets on the wire, no faster than the victim reads them.
func (a *attacker) send(v victim, packets ...[]byte) {
	a.t.Helper()
	a.mu.Lock()
	into := a.into[v.peer]
	a.mu.Unlock()
	for part := range slices.Chunk(packets, 1024) {
		before := v.arrived()
		for _, p := range part {
			into(p)
		}
		require.Eventually(a.t, func() bool { return v.arrived() >= before+uint64(len(part)) }, timeout, time.Millisecond, "the victim reads")
	}
	require.Zero(a.t, v.conn.Stats().Overflowed)
}

// genuine gives what the victim's peer has sent so far, cut where data begins: control frames, then
// packets with data.
func (a *attacker) genuine(v victim) (control, data [][]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.kept[v.peer] {
		h, payload, err := gre.Parse(p)
		if err != nil || !h.HasSeq {
			continue
		}
		if proto, _, err := ppp.ParseFrame(payload); err == nil && proto < 0x8000 {
			data = append(data, p)
		} else {
			control = append(control, p)
		}
	}
	return control, data
}

func (a *attacker) random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(a.dice.Uint32())
	}
	return b
}

// burst sends n packets each way at once and demands every one, in order.
func (w *world) burst(n int) {
	w.t.Helper()
	for i := range n {
		w.clientDev.Put(packet(clientIP, serverIP, uint32(i), 24+i*37%1377))
		w.serverDev.Put(packet(serverIP, clientIP, uint32(i), 24+i*37%1377))
	}
	for i := range n {
		require.Equal(w.t, packet(clientIP, serverIP, uint32(i), 24+i*37%1377), w.expect(w.serverDev))
		require.Equal(w.t, packet(serverIP, clientIP, uint32(i), 24+i*37%1377), w.expect(w.clientDev))
	}
}
