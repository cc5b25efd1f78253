package session

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/internal/raceflag"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// wire is a gre.Conn that keeps what is written to it; reading it is not possible.
type wire struct {
	sent    [][]byte
	n       int
	inPlace bool // it keeps no copy but where the packets are
}

func (w *wire) ReadBatch([]gre.Packet) (int, error) { panic("nobody reads here") }
func (w *wire) LocalAddr() netip.Addr               { return clientOuter }
func (w *wire) Stats() gre.Stats                    { return gre.Stats{} }
func (w *wire) Close() error                        { return nil }
func (w *wire) WriteBatch(pkts []gre.Packet) (int, error) {
	for _, p := range pkts {
		if w.n == len(w.sent) {
			w.sent = append(w.sent, make([]byte, 0, bufferSize))
		}
		if w.inPlace {
			w.sent[w.n] = p.Data
		} else {
			w.sent[w.n] = append(w.sent[w.n][:0], p.Data...)
		}
		w.n++
	}
	return len(pkts), nil
}

// nowhere is a device that counts.
type nowhere struct {
	memDevice
	packets int
}

func (d *nowhere) Write(bufs [][]byte, _ int) (int, error) {
	d.packets += len(bufs)
	return len(bufs), nil
}

// noOwner is told everything and does nothing.
type noOwner struct{ dev netdev.Device }

func (noOwner) AuthSucceeded(*Session, ppp.AuthSucceeded)                  {}
func (noOwner) AuthFailed(*Session, ppp.AuthFailed)                        {}
func (o noOwner) NetworkUp(*Session, ppp.NetworkUp) (netdev.Device, error) { return o.dev, nil }
func (noOwner) Opened(*Session)                                            {}
func (noOwner) NetworkDown(*Session)                                       {}

// pair is two sessions that are up, without the negotiation that leads there: what one seals the
// other can open.
type pair struct {
	a, b *Session
	wire *wire
	dev  *nowhere
	bufs [][]byte
	size []int
	pkts []gre.Packet
	w    *deviceWriter
	out  outgoing // to a
}

const defaultMTU = 1400

// newTestSession makes a client's session for a call ID, with what cfg leaves out as Options have
// it.
func newTestSession(t testing.TB, cfg Config, conn gre.Conn, callID uint16) *Session {
	t.Helper()
	if cfg.Backend == nil {
		b, err := arc4.Lookup("")
		require.NoError(t, err)
		cfg.Backend = b
	}
	if cfg.MTU == 0 {
		cfg.MTU = defaultMTU
	}
	if cfg.Shared == nil {
		cfg.Shared = NewShared(0, memory.SizesOf(false))
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	pc := ppp.Config{MPPE: cfg.MPPE, IPv6: cfg.IPv6, MRU: cfg.MTU + MPPEOverhead, Rand: rand.Reader, User: "alice", Password: "secret"}
	s, err := New(cfg, conn, serverOuter, callID, callID, pc, noOwner{newMemDevice()})
	require.NoError(t, err)
	return s
}

func newPair(t testing.TB, backend *arc4.Backend, packets, size int, settings ...func(*Config)) *pair {
	p := &pair{wire: &wire{}, dev: &nowhere{}, w: newDeviceWriter(memory.SizesOf(false).WideBuffers)}
	up := ppp.NetworkUp{Local: clientIP, Remote: serverIP, SendMRU: defaultMTU + MPPEOverhead}
	for _, s := range []**Session{&p.a, &p.b} {
		// A clock that stands: how far a turn of catching up goes depends on no machine.
		cfg := Config{Backend: backend, Now: func() time.Time { return time.Unix(1000, 0) }}
		for _, set := range settings {
			set(&cfg)
		}
		*s = newTestSession(t, cfg, p.wire, 7)
		(*s).owner = noOwner{p.dev}
		p.encrypt(t, *s)
		(*s).openNetwork(up)
	}
	for i := range packets {
		b := make([]byte, bufferSize)
		copy(b[headroom:], packet(clientIP, serverIP, uint32(i), size))
		p.bufs = append(p.bufs, b)
		p.size = append(p.size, max(size, 24))
	}
	p.pkts = make([]gre.Packet, packets)
	p.out.Session = func([]byte) *Session { return p.a }
	return p
}

// encrypt gives a session its keys.
func (p *pair) encrypt(t testing.TB, s *Session) {
	d := ppp.Direction{Key: []byte("0123456789abcdef"), Strength: 128, Stateless: true}
	require.NoError(t, s.encrypt(ppp.EncryptionUp{Send: d, Recv: d}))
}

// cross moves one batch from a to b.
func (p *pair) cross(now time.Time) {
	p.wire.n = 0
	for i, b := range p.bufs {
		// The last crossing has encrypted the packet in place.
		copy(b[headroom:], p.plain(i))
	}
	p.out.send(p.bufs, p.size)
	for i := range p.wire.n {
		p.pkts[i] = gre.Packet{Addr: serverOuter, Data: p.wire.sent[i]}
	}
	p.b.receive(now, p.pkts[:p.wire.n], p.w)
}

var plainPacket = packet(clientIP, serverIP, 0, defaultMTU)

func (p *pair) plain(i int) []byte {
	if p.size[i] == defaultMTU {
		return plainPacket
	}
	return smallPacket[:p.size[i]]
}

var smallPacket = packet(clientIP, serverIP, 0, 64)

func TestPacketPathsDoNotAllocate(t *testing.T) {
	if raceflag.Enabled {
		t.Log("the race detector makes sync.Pool drop buffers at random: allocations mean nothing here")
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	b, err := arc4.Lookup("")
	require.NoError(t, err)
	p := newPair(t, b, 32, defaultMTU)
	now := time.Unix(1000, 0)
	for range 200 { // the key chain's chunks and the scratch lists grow first
		p.cross(now)
	}
	before := p.dev.packets
	perBatch := testing.AllocsPerRun(100, func() { p.cross(now) })
	require.Equal(t, before+101*32, p.dev.packets, "every packet arrives")
	require.Zero(t, perBatch)
}

func BenchmarkTunnel(b *testing.B) {
	for _, backend := range arc4.Backends() {
		for _, size := range []int{64, defaultMTU} {
			b.Run(fmt.Sprintf("backend=%s/size=%d", backend.Name(), size), func(b *testing.B) {
				const n = 64
				p := newPair(b, backend, n, size)
				now := time.Unix(1000, 0)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for i := 0; i < b.N; i += n {
					p.cross(now)
				}
				require.Positive(b, p.dev.packets)
			})
		}
	}
}
